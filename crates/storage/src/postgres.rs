use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sea_orm::sqlx::{self, ConnectOptions, Connection};
use sea_orm::{DatabaseConnection, SqlxPostgresConnector};

use crate::statement_count::StatementCount;

/// Connections for reading and writing together.
pub(crate) const CONNECTIONS: u32 = 10;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that lay idle for this long is asked for a sign of life before it is used: a server, a proxy or a
/// firewall may have dropped it. That is a message of the protocol, not a statement.
const TEST_AFTER: Duration = Duration::from_secs(5);

/// A pool of connections to a PostgreSQL server that answers.
///
/// The first connection is made outside the pool: the pool would repeat a refused connection until its timeout and
/// then tell of the timeout only.
pub(crate) async fn connect(
    options: &PgConnectOptions,
    count: &StatementCount,
) -> Result<DatabaseConnection, sqlx::Error> {
    let options = named(options);
    options.connect().await?.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(0)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, idle| {
            Box::pin(async move {
                if idle.idle_for >= TEST_AFTER {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options);
    let mut db = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    count.watch(&mut db);
    Ok(db)
}

/// A connection of its own, outside the pool.
pub(crate) async fn connect_alone(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    named(options).connect().await
}

/// The process shows in `pg_stat_activity`, where the one who is refused the lock looks for its holder.
fn named(options: &PgConnectOptions) -> PgConnectOptions {
    options
        .clone()
        .application_name(&format!("ratchet, process {}", std::process::id()))
        .disable_statement_logging()
}
