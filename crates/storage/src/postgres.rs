use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sea_orm::sqlx::{self, ConnectOptions, Connection};
use sea_orm::{DatabaseConnection, SqlxPostgresConnector};
use tokio::sync::Notify;

use crate::statement_count::StatementCount;

/// Connections for reading and writing together.
pub(crate) const CONNECTIONS: u32 = 10;
/// How long a verb waits for a connection of the pool, one that is yet to be made included.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may take to answer: a host that takes a connection and is silent would be waited for for ever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that lay idle for this long is asked for a sign of life before it is used: a server, a proxy or a
/// firewall may have dropped it. That is a message of the protocol, not a statement.
const TEST_AFTER: Duration = Duration::from_secs(5);

/// A pool of connections to a PostgreSQL server that answers.
///
/// The first connection is made outside the pool: the pool would repeat a refused connection until its timeout and
/// then tell of the timeout only. `connected` is told of every connection that the pool makes.
pub(crate) async fn connect(
    options: &PgConnectOptions,
    count: &StatementCount,
    connected: Arc<Notify>,
) -> Result<DatabaseConnection, sqlx::Error> {
    connect_alone(options).await?.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(0)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .after_connect(move |_, _| {
            connected.notify_one();
            Box::pin(std::future::ready(Ok(())))
        })
        .before_acquire(|connection, idle| {
            Box::pin(async move {
                if idle.idle_for >= TEST_AFTER {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(named(options));
    let mut db = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    count.watch(&mut db);
    Ok(db)
}

/// A connection of its own, outside the pool.
pub(crate) async fn connect_alone(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    tokio::time::timeout(CONNECT_TIMEOUT, named(options).connect())
        .await
        .unwrap_or_else(|_| {
            let silent = format!("the server did not answer within {} s", CONNECT_TIMEOUT.as_secs());
            Err(sqlx::Error::Io(std::io::Error::new(ErrorKind::TimedOut, silent)))
        })
}

/// The process shows in `pg_stat_activity`, where the one who is refused the lock looks for its holder.
pub(crate) fn named(options: &PgConnectOptions) -> PgConnectOptions {
    options
        .clone()
        .application_name(&format!("ratchet, process {}", std::process::id()))
        .disable_statement_logging()
}
