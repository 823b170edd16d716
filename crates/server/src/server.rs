use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::container::{ServiceContainer, StartError};
use crate::http::{HealthSource, Readiness, router};
use crate::settings::Settings;

/// How long a part may take to answer a health check.
const HEALTH_PATIENCE: Duration = Duration::from_secs(5);

/// The server: every part of the container, and HTTP in front of it.
pub struct UnifiedServer {
    container: ServiceContainer,
    listener: TcpListener,
    scheduler_enabled: bool,
}

impl UnifiedServer {
    /// Takes the address, then the database, and builds every part. Nothing runs yet.
    ///
    /// # Errors
    /// [`StartError`] says what cannot be had, and why.
    pub async fn new(settings: &Settings) -> Result<Self, StartError> {
        let address = settings.server.bind;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| StartError::Bind { address, source })?;
        let container = ServiceContainer::new(settings).await?;
        Ok(Self {
            container,
            listener,
            scheduler_enabled: settings.scheduler.enabled,
        })
    }

    /// The address that is listened on.
    ///
    /// # Errors
    /// [`StartError::Http`] when the operating system does not say.
    pub fn address(&self) -> Result<SocketAddr, StartError> {
        self.listener.local_addr().map_err(StartError::Http)
    }

    /// Runs until `stop` is complete, then stops every part: no new ticks, running jobs finish or are handed back.
    ///
    /// # Errors
    /// [`StartError`] says which part failed, and why.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<(), StartError> {
        let address = self.address()?;
        let Self {
            container,
            listener,
            scheduler_enabled,
        } = self;
        let readiness = Readiness::default();
        let source = HealthSource {
            repositories: Arc::clone(&container.repositories),
            scheduler: Arc::clone(&container.scheduler_service),
            registry: Arc::clone(&container.registry),
            clock: Arc::clone(&container.clock),
            readiness: readiness.clone(),
            scheduler_enabled,
            patience: HEALTH_PATIENCE,
        };
        let (end_http, http_ended) = oneshot::channel::<()>();
        let http = axum::serve(listener, router(Arc::new(source))).with_graceful_shutdown(async move {
            // An error says that the sender is gone, which is as good a reason to end.
            if http_ended.await.is_err() {}
        });
        let http = tokio::spawn(async move { http.await });

        let outcome = match container.start().await {
            Ok(()) => {
                readiness.begin();
                tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "the server is ready");
                stop.await;
                readiness.end();
                tracing::info!("the server stops: no new ticks, running jobs may finish");
                Ok(())
            }
            Err(error) => Err(error),
        };
        let stopped = container.stop().await;
        drop(end_http);
        // Answers that take long do not hold the process up.
        if let Ok(ended) = tokio::time::timeout(HEALTH_PATIENCE, http).await {
            ended
                .map_err(|error| StartError::Http(error.into()))?
                .map_err(StartError::Http)?;
        }
        outcome.and(stopped)?;
        tracing::info!("the server has stopped");
        Ok(())
    }
}
