use std::path::Path;

use chrono::TimeDelta;
use ratchet_interfaces::{
    Delivery, DeliveryFilter, DeliverySort, Execution, ExecutionFilter, ExecutionSort, JobFilter, JobSort,
    Page, PageRequest, RepositoryError, RepositoryFactory, SortOrder, UnifiedJob,
};
use ratchet_storage::Database;
use sea_orm::ConnectionTrait;

/// Looks at, or changes, what a server that has stopped left in the folder's `ratchet.db`.
///
/// # Panics
/// When it cannot be opened, or the work panics.
pub fn with_repositories<T>(folder: &Path, work: impl AsyncFnOnce(&dyn RepositoryFactory) -> T) -> T {
    let url = format!("sqlite://{}", folder.join("ratchet.db").display());
    with_repositories_at(&url, work)
}

/// As [`with_repositories`], of the database at a URL.
///
/// # Panics
/// When it cannot be opened, or the work panics.
pub fn with_repositories_at<T>(url: &str, work: impl AsyncFnOnce(&dyn RepositoryFactory) -> T) -> T {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let database = Database::connect(url).await.unwrap();
        let found = work(&*database.repositories()).await;
        database.close().await.unwrap();
        found
    })
}

/// All jobs, in the order in which they were queued.
///
/// # Panics
/// When they cannot be read.
pub async fn all_jobs(repositories: &dyn RepositoryFactory) -> Vec<UnifiedJob> {
    let jobs = repositories.jobs();
    let (filter, sort) = (JobFilter::default(), JobSort::QueuedAt(SortOrder::Ascending));
    all(async |page| jobs.job_list(&filter, sort, page).await).await
}

/// All executions of all jobs.
///
/// # Panics
/// When they cannot be read.
pub async fn all_executions(repositories: &dyn RepositoryFactory) -> Vec<Execution> {
    let executions = repositories.executions();
    all(async |page| {
        executions
            .execution_list(&ExecutionFilter::default(), ExecutionSort::default(), page)
            .await
    })
    .await
}

/// All deliveries of all jobs.
///
/// # Panics
/// When they cannot be read.
pub async fn all_deliveries(repositories: &dyn RepositoryFactory) -> Vec<Delivery> {
    let deliveries = repositories.deliveries();
    all(async |page| {
        deliveries
            .delivery_list(&DeliveryFilter::default(), DeliverySort::default(), page)
            .await
    })
    .await
}

async fn all<T>(list: impl AsyncFn(PageRequest) -> Result<Page<T>, RepositoryError>) -> Vec<T> {
    let mut rows = Vec::new();
    loop {
        let page = PageRequest::new(rows.len() as u64, PageRequest::MAX_LIMIT).unwrap();
        let page = list(page).await.unwrap();
        if page.items.is_empty() {
            return rows;
        }
        rows.extend(page.items);
    }
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
