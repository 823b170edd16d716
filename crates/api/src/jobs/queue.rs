//! Changes of the queue. Each goes through even if whoever asked for it does not wait for the answer, and then tells
//! those who run jobs: if only the answer was lost, the change may be on disk.

use std::sync::Arc;

use ratchet_interfaces::{AuditNote, JobRepository, RepositoryError, with_causes};

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
    match tokio::spawn(AuditNote::carried(change)).await {
        Ok(changed) => changed.map_err(ApiError::from),
        Err(error) => {
            tracing::error!(error = with_causes(&error), "a change of the queue ended badly");
            Err(ApiError::internal())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::sync::oneshot;

    use super::*;
    use crate::test_support::Mocks;

    #[tokio::test]
    async fn a_change_goes_through_and_is_told_although_whoever_asked_for_it_is_gone() {
        let services = Mocks::default().services();
        let (commit, committed) = oneshot::channel();
        let mut asked = Box::pin(stop(&services, move |_| async move {
            committed.await.unwrap();
            Ok(())
        }));
        poll_fn(|context| {
            assert!(asked.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(asked);
        commit.send(()).unwrap();
        services.jobs_stopping.arm().await;
        services.jobs_available.arm().await;
    }

    #[tokio::test]
    async fn a_change_that_ends_in_a_panic_is_an_error() {
        let services = Mocks::default().services();
        let changed: Result<(), ApiError> = fill(&services, |_| async { panic!("it was full") }).await;
        assert_eq!(changed.unwrap_err().code(), "INTERNAL_ERROR");
    }
}
