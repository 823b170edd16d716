use std::path::Path;

use chrono::TimeDelta;
use ratchet_interfaces::RepositoryFactory;
use ratchet_storage::Database;
use sea_orm::ConnectionTrait;

/// Looks at, or changes, what a server that has stopped left in the folder's `ratchet.db`.
///
/// # Panics
/// When it cannot be opened, or the work panics.
pub fn with_repositories(folder: &Path, work: impl AsyncFnOnce(&dyn RepositoryFactory)) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}", folder.join("ratchet.db").display());
        let database = Database::connect(&url).await.unwrap();
        work(&*database.repositories()).await;
        database.close().await.unwrap();
    });
}

/// As if the server had been down when the heartbeat was due.
///
/// # Panics
/// When the folder's database has no heartbeat.
pub fn set_back_heartbeat(folder: &Path) {
    with_repositories(folder, async |repositories| {
        let schedules = repositories.schedules();
        let found = schedules.schedule_find_by_name("system_heartbeat").await;
        let mut heartbeat = found.unwrap().unwrap();
        heartbeat.next_run = heartbeat.next_run.map(|next| next - TimeDelta::minutes(5));
        schedules.schedule_update(&heartbeat).await.unwrap();
    });
}

/// Does to the folder's `ratchet.db` what no repository would do.
///
/// # Panics
/// When the database refuses.
pub fn execute_sql(folder: &Path, statement: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}", folder.join("ratchet.db").display());
        let database = sea_orm::Database::connect(&url).await.unwrap();
        database.execute_unprepared(statement).await.unwrap();
        database.close().await.unwrap();
    });
}
