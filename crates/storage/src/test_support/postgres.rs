use sea_orm::sqlx::{self, AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::Database;

const VARIABLE: &str = "RATCHET_TEST_POSTGRES_URL";

/// Two processes must not make the template at the same time, nor copy it while it is being made.
const LOCK: i64 = 0x7261_7463_6865_7402;

/// The name of the migrated database without rows, made once a process.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

/// A database on the server of the variable; it is dropped with this.
#[derive(Debug)]
pub(super) struct PostgresDatabase {
    admin: String,
    name: String,
}

impl PostgresDatabase {
    pub(super) async fn new() -> Option<Self> {
        let Ok(admin) = std::env::var(VARIABLE) else {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "{VARIABLE} is not set: CI must test PostgreSQL as well"
            );
            println!("{VARIABLE} is not set: PostgreSQL is left out");
            return None;
        };
        let template = TEMPLATE.get_or_init(|| migrated_template(admin.clone())).await;
        let name = format!("ratchet_test_{}", Uuid::now_v7().simple());
        let mut server = connect(&admin).await;
        lock(&mut server).await;
        run(&mut server, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        close(server).await;
        Some(Self { admin, name })
    }

    pub(super) fn url(&self) -> String {
        url_of(&self.admin, &self.name)
    }
}

impl Drop for PostgresDatabase {
    /// On a thread with a runtime of its own: a destructor cannot wait in the test's.
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made")
                .block_on(async {
                    let mut server = connect(&admin).await;
                    run(
                        &mut server,
                        format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
                    )
                    .await;
                    close(server).await;
                });
        });
        if dropping.join().is_err() {
            // A second panic would end the test without a word of the first.
            println!("the test database {} could not be dropped", self.name);
        }
    }
}

/// A migrated database stays on the server for the next process: its name tells the schema.
async fn migrated_template(admin: String) -> String {
    let name = format!("ratchet_template_{:016x}", ratchet_migrations::fingerprint());
    let mut server = connect(&admin).await;
    lock(&mut server).await;
    let exists: Option<(i32,)> = sqlx::query_as("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(&name)
        .fetch_optional(&mut server)
        .await
        .expect("the server lists its databases");
    if exists.is_none() {
        // Under another name until it is complete: a process may be killed half-way.
        let unfinished = format!("{name}_{}", Uuid::now_v7().simple());
        run(&mut server, format!("CREATE DATABASE {unfinished}")).await;
        let database = Database::connect(&url_of(&admin, &unfinished))
            .await
            .expect("the template opens");
        database.migrate().await.expect("the template is migrated");
        database.close().await.expect("the template is closed");
        run(
            &mut server,
            format!("ALTER DATABASE {unfinished} RENAME TO {name}"),
        )
        .await;
    }
    close(server).await;
    name
}

fn url_of(admin: &str, name: &str) -> String {
    let (address, options) = admin
        .split_once('?')
        .map_or((admin, String::new()), |(address, options)| {
            (address, format!("?{options}"))
        });
    let (server, _) = address
        .rsplit_once('/')
        .expect("the URL names a database to begin with");
    format!("{server}/{name}{options}")
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url)
        .await
        .expect("the PostgreSQL server of the tests answers")
}

async fn lock(server: &mut PgConnection) {
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(LOCK)
        .execute(server)
        .await
        .expect("the server locks");
}

async fn run(server: &mut PgConnection, sql: String) {
    server
        .execute(AssertSqlSafe(sql))
        .await
        .expect("the user of the tests may create and drop databases");
}

async fn close(server: PgConnection) {
    server.close().await.expect("the connection closes");
}
