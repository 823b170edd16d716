//! Changes of the queue. Each goes through even if whoever asked for it does not wait for the answer, and then tells
//! those who run jobs: if only the answer was lost, the change may be on disk.

use std::sync::Arc;

use ratchet_interfaces::{JobRepository, RepositoryError, with_causes};

use crate::error::ApiError;
use crate::state::Services;

/// After which there may be a job that can run.
pub(super) async fn fill<T, F>(
    services: &Services,
    change: impl FnOnce(Arc<dyn JobRepository>) -> F,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, RepositoryError>> + Send + 'static,
{
    let (change, available) = (
        change(services.repositories.jobs()),
        services.jobs_available.clone(),
    );
    to_its_end(async move {
        let changed = change.await;
        available.raise();
        changed
    })
    .await
}

/// After which there may be a running job that is to stop, and others that can run for it.
pub(super) async fn stop<T, F>(
    services: &Services,
    change: impl FnOnce(Arc<dyn JobRepository>) -> F,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, RepositoryError>> + Send + 'static,
{
    let stopping = services.jobs_stopping.clone();
    fill(services, move |jobs| {
        let change = change(jobs);
        async move {
            let changed = change.await;
            stopping.raise();
            changed
        }
    })
    .await
}

async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, RepositoryError>> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::spawn(change).await {
        Ok(changed) => changed.map_err(ApiError::from),
        Err(error) => {
            tracing::error!(error = with_causes(&error), "a change of the queue ended badly");
            Err(ApiError::internal())
        }
    }
}
