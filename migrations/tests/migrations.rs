//! Every migration goes up, down and up again, on both databases.

use std::sync::atomic::{AtomicU64, Ordering};

use ratchet_migrations::{MigrationError, check_not_newer, down, fresh, status, up};
use sea_orm_migration::sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
};
use tempfile::TempDir;

const TABLES: [&str; 15] = [
    "audit_entries",
    "deliveries",
    "delivery_attempts",
    "execution_logs",
    "executions",
    "facts",
    "idempotency_keys",
    "job_dependencies",
    "jobs",
    "leases",
    "schedule_periods",
    "schedules",
    "tasks",
    "ticks",
    "tokens",
];

/// An empty database of each kind, and what keeps it.
struct Empty {
    db: DatabaseConnection,
    keeper: Keeper,
}

enum Keeper {
    Folder(TempDir),
    Server { admin: DatabaseConnection, name: String },
}

impl Empty {
    async fn each() -> Vec<Self> {
        let mut databases = vec![Self::sqlite().await];
        match std::env::var("RATCHET_TEST_POSTGRES_URL") {
            Ok(url) => databases.push(Self::postgres(&url).await),
            Err(_) => {
                println!("RATCHET_TEST_POSTGRES_URL is not set: the PostgreSQL half is left out");
                assert_ne!(
                    std::env::var("CI").as_deref(),
                    Ok("true"),
                    "CI must test PostgreSQL as well"
                );
            }
        }
        databases
    }

    async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("empty.db").display());
        Self {
            db: Database::connect(ConnectOptions::new(url)).await.unwrap(),
            keeper: Keeper::Folder(folder),
        }
    }

    async fn postgres(url: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "ratchet_migrations_{}_{}",
            uuid::Uuid::now_v7().simple(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let admin = Database::connect(url).await.unwrap();
        admin
            .execute_unprepared(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        let (server, _) = url.rsplit_once('/').unwrap();
        Self {
            db: Database::connect(format!("{server}/{name}")).await.unwrap(),
            keeper: Keeper::Server { admin, name },
        }
    }

    async fn remove(self) {
        self.db.close().await.unwrap();
        match self.keeper {
            Keeper::Folder(folder) => folder.close().unwrap(),
            Keeper::Server { admin, name } => {
                admin
                    .execute_unprepared(&format!("DROP DATABASE {name}"))
                    .await
                    .unwrap();
            }
        }
    }

    async fn tables(&self) -> Vec<String> {
        let backend = self.db.get_database_backend();
        let sql = match backend {
            DbBackend::Postgres => {
                "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'"
            }
            _ => "SELECT name FROM sqlite_master WHERE type = 'table'",
        };
        let rows = self
            .db
            .query_all_raw(Statement::from_string(backend, sql))
            .await
            .unwrap();
        let mut names: Vec<String> = rows
            .iter()
            .map(|row| row.try_get_by("name").unwrap())
            .filter(|name| name != "seaql_migrations")
            .collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn every_migration_goes_up_and_down_and_up() {
    for empty in Empty::each().await {
        let all = u32::try_from(status(&empty.db).await.unwrap().len()).unwrap();
        for _ in 0..2 {
            assert_eq!(up(&empty.db).await.unwrap(), usize::try_from(all).unwrap());
            assert_eq!(empty.tables().await, TABLES);
            assert!(status(&empty.db).await.unwrap().iter().all(|state| state.applied));
            down(&empty.db, all).await.unwrap();
            assert!(empty.tables().await.is_empty());
            assert!(
                status(&empty.db)
                    .await
                    .unwrap()
                    .iter()
                    .all(|state| !state.applied)
            );
        }
        empty.remove().await;
    }
}

#[tokio::test]
async fn a_migrated_database_is_left_as_it_is() {
    for empty in Empty::each().await {
        up(&empty.db).await.unwrap();
        assert_eq!(up(&empty.db).await.unwrap(), 0);
        empty.remove().await;
    }
}

#[tokio::test]
async fn a_fresh_database_has_every_table_and_no_row() {
    for empty in Empty::each().await {
        up(&empty.db).await.unwrap();
        let backend = empty.db.get_database_backend();
        let holder = match backend {
            DbBackend::Postgres => "gen_random_uuid()",
            _ => "x'00'",
        };
        empty
            .db
            .execute_unprepared(&format!(
                "INSERT INTO leases (name, holder, term, expires_at) VALUES ('leader', {holder}, 1, 0)"
            ))
            .await
            .unwrap();
        fresh(&empty.db).await.unwrap();
        assert_eq!(empty.tables().await, TABLES);
        let left = empty
            .db
            .query_all_raw(Statement::from_string(backend, "SELECT name FROM leases"))
            .await
            .unwrap();
        assert!(left.is_empty());
        empty.remove().await;
    }
}

#[tokio::test]
async fn a_database_of_a_newer_ratchet_is_refused_by_name() {
    for empty in Empty::each().await {
        up(&empty.db).await.unwrap();
        empty
            .db
            .execute_unprepared(
                "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29991231_000001_later', 0)",
            )
            .await
            .unwrap();
        for refused in [
            check_not_newer(&empty.db).await.unwrap_err(),
            up(&empty.db).await.unwrap_err(),
            down(&empty.db, 1).await.unwrap_err(),
            fresh(&empty.db).await.unwrap_err(),
        ] {
            assert!(matches!(&refused, MigrationError::Newer { .. }));
            assert_eq!(
                refused.to_string(),
                "the database was migrated by a newer ratchet (m29991231_000001_later): \
                 use that ratchet, or a newer one"
            );
        }
        assert_eq!(empty.tables().await, TABLES);
        empty.remove().await;
    }
}
