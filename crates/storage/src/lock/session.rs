//! The lock of a PostgreSQL database: an advisory lock of a session on a connection of its own.
//!
//! ```text
//!           ┌──────── the session ends (its socket says so, or it does not answer) ────────┐
//!           │                                                                              ▼
//!        held ◄──── taken again ─────────────────────────────────────────────────── out of reach
//!                                                                                 │        ▲  │
//!        lost ◄──── another session has it, and it is not our own old one ────────┘        └──┘
//!                                                                                     no connection
//! ```
//!
//! A task waits on the session's socket, which costs no statement. A socket does not say it when the machine at its
//! other end is gone without a word, as it may be at a failover. So whenever the pool makes a new connection, of which
//! there are few unless the earlier ones were lost, the session is asked for a sign of life as well: a message of the
//! protocol, not a statement.
//!
//! The server may believe for long in a session that is cut off here. For the sake of the next server it is told to
//! look often whether we are there, and an old session of this lock that still holds it is ended.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sea_orm::sqlx::{self, Acquire, Connection};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::StorageError;
use crate::database_url::DatabaseUrl;
use crate::postgres;
use crate::statement_count::StatementCount;

/// An advisory lock of PostgreSQL is a number of the database that the connection is to.
const KEY: i64 = 0x7261_7463_6865_7400;

/// How long the session may take to give a sign of life.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts to reach a server that is away, at first; it doubles …
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The lock, and by which session it is held. After half a minute without a sign of life from this side the server
/// gives up the session; that is of the connection, and of no consequence on one that is no TCP connection.
const TAKE: &str = "SELECT pg_try_advisory_lock($1), pg_backend_pid(),
        (SELECT backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()),
        set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
        set_config('tcp_keepalives_count', '4', false)";

const HOLDER: &str = "SELECT a.pid, a.backend_start::text,
        a.application_name || ' at ' || COALESCE(host(a.client_addr), 'this host')
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32) | l.objid::bigint = $1";

#[derive(Debug)]
pub(super) struct Session {
    location: String,
    /// The holder, once it is another one for good.
    lost: watch::Receiver<Option<String>>,
    watching: AbortHandle,
}

/// Which session of the server it is; a number alone is used again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Backend {
    pid: i32,
    started: Option<String>,
}

/// The answer to an attempt to take the lock.
enum Taken {
    Held(PgListener, Backend),
    ByAnother(String),
}

struct Watcher {
    options: PgConnectOptions,
    count: StatementCount,
    connected: Arc<Notify>,
}

impl Session {
    pub(super) async fn take(
        url: &DatabaseUrl,
        options: &PgConnectOptions,
        count: &StatementCount,
        connected: Arc<Notify>,
    ) -> Result<Self, StorageError> {
        let location = url.to_string();
        let watcher = Watcher {
            options: options.clone(),
            count: count.clone(),
            connected,
        };
        match watcher.take(None).await {
            Err(source) => Err(StorageError::Lock { location, source }),
            Ok(Taken::ByAnother(holder)) => Err(StorageError::InUse { location, holder }),
            Ok(Taken::Held(session, backend)) => {
                let (tell, lost) = watch::channel(None);
                let watching = tokio::spawn(async move {
                    let holder = watcher.until_lost(session, backend).await;
                    tell.send_replace(Some(holder));
                });
                Ok(Self {
                    location,
                    lost,
                    watching: watching.abort_handle(),
                })
            }
        }
    }

    pub(super) async fn lost(&self) -> StorageError {
        let mut lost = self.lost.clone();
        let holder = match lost.wait_for(Option::is_some).await {
            Ok(holder) => holder.clone(),
            // The task has panicked: nobody watches any more, and nobody knows whose the lock is.
            Err(_) => None,
        };
        StorageError::InUse {
            location: self.location.clone(),
            holder: holder.unwrap_or_else(|| "not known: the lock is not watched any more".to_owned()),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Watcher {
    /// Watches the session and takes the lock again as often as that is lost; returns who has it instead.
    async fn until_lost(&self, mut session: PgListener, mut backend: Backend) -> String {
        loop {
            let cause = self.until_ended(session).await;
            tracing::warn!(
                cause = cause.as_ref().map(|error| error as &dyn std::error::Error),
                "the session that holds the lock of the database has ended: the lock is taken again"
            );
            match self.take_again(&backend).await {
                Taken::Held(again, of) => (session, backend) = (again, of),
                Taken::ByAnother(holder) => return holder,
            }
            tracing::info!("the lock of the database is held again");
        }
    }

    /// Returns when the session has ended, with what was seen of that.
    async fn until_ended(&self, mut session: PgListener) -> Option<sqlx::Error> {
        loop {
            let sign_of_life = tokio::select! {
                received = session.try_recv() => match received {
                    // Nothing is listened for; should something arrive all the same, the session lives.
                    Ok(Some(_)) => continue,
                    Ok(None) => return None,
                    Err(error) => return Some(error),
                },
                () = self.connected.notified() => tokio::time::timeout(PATIENCE, ping(&mut session)).await,
            };
            match sign_of_life {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Some(error),
                Err(silent) => return Some(sqlx::Error::Io(silent.into())),
            }
        }
    }

    /// Asks until the server answers.
    async fn take_again(&self, before: &Backend) -> Taken {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.take(Some(before)).await {
                Ok(taken) => return taken,
                Err(error) => tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the lock of the database cannot be asked for yet"
                ),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Asks once, on a new connection.
    async fn take(&self, before: Option<&Backend>) -> Result<Taken, sqlx::Error> {
        let mut session = self.connect().await?;
        loop {
            self.count.add_one();
            let (taken, pid, started, ..): (bool, i32, Option<String>, String, String, String) =
                sqlx::query_as(TAKE).bind(KEY).fetch_one(&mut session).await?;
            if taken {
                return Ok(Taken::Held(session, Backend { pid, started }));
            }
            self.count.add_one();
            let holder: Option<(i32, Option<String>, String)> = sqlx::query_as(HOLDER)
                .bind(KEY)
                .fetch_optional(&mut session)
                .await?;
            let Some((pid, started, name)) = holder else {
                // Given back in between.
                continue;
            };
            let holder = Backend { pid, started };
            if before != Some(&holder) {
                return Ok(Taken::ByAnother(name));
            }
            tracing::info!(pid, "the server still has our old session: it is ended");
            self.count.add_one();
            sqlx::query("SELECT pg_terminate_backend($1, 5000)")
                .bind(pid)
                .execute(&mut session)
                .await?;
        }
    }

    /// A session on a connection of its own, from a pool of one that makes no other: the listener is the one thing of
    /// the driver that can wait on a connection without a question.
    async fn connect(&self) -> Result<PgListener, sqlx::Error> {
        postgres::connect_alone(&self.options).await?.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(postgres::named(&self.options));
        let mut session = PgListener::connect_with(&pool).await?;
        session.eager_reconnect(false);
        Ok(session)
    }
}

async fn ping(session: &mut PgListener) -> Result<(), sqlx::Error> {
    session.acquire().await?.ping().await
}
