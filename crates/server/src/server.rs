use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use ratchet_api::{ApiConfig, ApiState};
use ratchet_interfaces::{Clock, EventSink, EventSinks, Fact};
use ratchet_outbound::{AddressPolicy, OutboundClient};
use ratchet_scheduler::SystemClock;
use ratchet_telemetry::{Metrics, MetricsSource, TimedClock, Traces, TracesConfig};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::container::{ServiceContainer, StartError, first_error};
use crate::http::{HealthSource, ServerHealth, listen, router};
use crate::settings::{ServerSettings, Settings};

/// How long a part may take to answer a health check.
const HEALTH_PATIENCE: Duration = Duration::from_secs(5);

/// The server: every part of the container, and HTTP in front of it.
pub struct UnifiedServer {
    settings: Settings,
    clock: Arc<dyn Clock>,
    listener: TcpListener,
}

impl UnifiedServer {
    /// Takes the address. Nothing is opened and nothing runs yet.
    ///
    /// # Errors
    /// [`StartError::Bind`] when the address cannot be had.
    pub async fn new(settings: &Settings) -> Result<Self, StartError> {
        let address = settings.server.bind;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| StartError::Bind { address, source })?;
        Ok(Self {
            settings: settings.clone(),
            clock: Arc::new(SystemClock::new()),
            listener,
        })
    }

    /// The address that is listened on.
    ///
    /// # Errors
    /// [`StartError::Http`] when the operating system does not say.
    pub fn address(&self) -> Result<SocketAddr, StartError> {
        self.listener.local_addr().map_err(StartError::Http)
    }

    /// Answers over HTTP at once, opens the database, starts every part, and runs until `stop` is complete. Then it
    /// stops every part: no new ticks, running jobs finish or are handed back. A stop during the start breaks it off.
    ///
    /// # Errors
    /// [`StartError`] says which part failed, and why.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<(), StartError> {
        let address = self.address()?;
        let Self {
            settings,
            clock,
            listener,
        } = self;
        let metrics = Arc::new(Metrics::new(Arc::clone(&clock), env!("CARGO_PKG_VERSION")));
        let clock: Arc<dyn Clock> = Arc::new(TimedClock::new(clock, Arc::clone(&metrics)));
        let health = Arc::new(ServerHealth::new(Arc::clone(&clock)));
        let api = ApiState::new(Arc::clone(&clock)).with_config(api_config(&settings.server));
        let traces = traces(&settings)?;
        let mut sinks: Vec<Arc<dyn EventSink>> = vec![Arc::clone(&metrics) as _, api.events()];
        sinks.extend(traces.iter().map(|traces| Arc::clone(traces) as _));
        let events = Arc::new(EventSinks::new(sinks));
        let http = HttpServer::begin(listener, Arc::clone(&health), Arc::clone(&metrics), api.clone());
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "the server starts");

        let mut stop = pin!(stop);
        let built = tokio::select! {
            built = ServiceContainer::with_events(&settings, clock, events) => Some(built),
            () = &mut stop => None,
        };
        let outcome = match built {
            Some(Ok(container)) => {
                let front = Front {
                    health: &health,
                    metrics: &metrics,
                    api: &api,
                };
                run_parts(&container, &settings, front, address, stop).await
            }
            Some(Err(error)) => Err(error),
            None => {
                tracing::info!("the server stops: its start is broken off");
                Ok(())
            }
        };
        // Whoever watches has been told of all that ended during the stop.
        api.events().end();
        if let Some(traces) = traces {
            traces.stop().await;
        }
        first_error([outcome, http.end().await])?;
        tracing::info!("the server has stopped");
        Ok(())
    }
}

/// What the API must know of the settings.
fn api_config(settings: &ServerSettings) -> ApiConfig {
    ApiConfig {
        open_without_tokens: settings.is_local(),
        cors_origins: settings.cors_origins.clone(),
        requests_per_second: settings.requests_per_second,
        audit_retention_days: settings.audit_retention_days,
    }
}

/// Traces, if there is a collector. Whoever runs the server says where that is, so it may be anywhere.
fn traces(settings: &Settings) -> Result<Option<Arc<Traces>>, StartError> {
    let config = TracesConfig {
        endpoint: settings.telemetry.otlp_endpoint.clone(),
        percent: settings.telemetry.trace_percent,
        version: env!("CARGO_PKG_VERSION"),
    };
    if !config.names_a_collector() {
        return Ok(None);
    }
    let anywhere = AddressPolicy::allowing(["0.0.0.0/0", "::/0"]);
    let client = OutboundClient::new(anywhere.map_err(|error| StartError::Traces(error.into()))?)?;
    let traces = Traces::start(config, client).map_err(|error| StartError::Traces(error.into()))?;
    Ok(Some(Arc::new(traces)))
}

/// What is told over HTTP that the parts run.
#[derive(Clone, Copy)]
struct Front<'a> {
    health: &'a ServerHealth,
    metrics: &'a Metrics,
    api: &'a ApiState,
}

/// Starts every part, and writes down where the server can be found by who has the database.
async fn start(
    container: &ServiceContainer,
    health: &ServerHealth,
    address: SocketAddr,
) -> Result<(), StartError> {
    container.start().await?;
    let facts = container.repositories.facts();
    let found_at = [
        (Fact::ServerAddress, address.to_string()),
        (Fact::ServerInstance, health.instance().to_string()),
    ];
    Ok(facts.fact_store(&found_at).await?)
}

/// Starts every part, waits, and stops every part.
async fn run_parts(
    container: &ServiceContainer,
    settings: &Settings,
    front: Front<'_>,
    address: SocketAddr,
    mut stop: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> Result<(), StartError> {
    let started = tokio::select! {
        started = start(container, front.health, address) => Some(started),
        () = &mut stop => None,
    };
    let outcome = match started {
        Some(Ok(())) => {
            let (pipeline, outbox) = (
                Arc::clone(&container.job_pipeline),
                Arc::clone(&container.delivery_worker),
            );
            front.health.begin(HealthSource {
                repositories: Arc::clone(&container.repositories),
                scheduler: Arc::clone(&container.scheduler_service),
                registry: Arc::clone(&container.registry),
                executor_stalls: Box::new(move || {
                    [pipeline.stall(), outbox.stall()].into_iter().flatten().collect()
                }),
                clock: Arc::clone(&container.clock),
                scheduler_enabled: settings.scheduler.enabled,
                patience: HEALTH_PATIENCE,
            });
            let hub = front.api.events();
            front.metrics.begin(MetricsSource {
                repositories: Arc::clone(&container.repositories),
                scheduler: Arc::clone(&container.scheduler_service),
                status: Arc::clone(&container.status),
                event_clients: Arc::new(move || hub.clients()),
            });
            front.api.begin(container.api_services());
            tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "the server is ready");
            let outcome = tokio::select! {
                () = &mut stop => Ok(()),
                lost = container.lock_lost() => Err(lost.into()),
            };
            front.health.end();
            front.api.end();
            front.metrics.end();
            tracing::info!("the server stops: no new ticks, running jobs may finish");
            outcome
        }
        Some(Err(error)) => Err(error),
        None => {
            tracing::info!("the server stops: its start is broken off");
            Ok(())
        }
    };
    first_error([outcome, container.stop().await])
}

/// The HTTP side while it runs.
struct HttpServer {
    task: JoinHandle<()>,
    /// Dropped to end it.
    running: oneshot::Sender<()>,
}

impl HttpServer {
    fn begin(listener: TcpListener, health: Arc<ServerHealth>, metrics: Arc<Metrics>, api: ApiState) -> Self {
        let (running, ended) = oneshot::channel::<()>();
        let stop = async move {
            // An error says that the sender is gone, which is as good a reason to end.
            if ended.await.is_err() {}
        };
        Self {
            task: tokio::spawn(listen(listener, router(health, metrics, api), stop)),
            running,
        }
    }

    async fn end(self) -> Result<(), StartError> {
        drop(self.running);
        // Answers that take long do not hold the process up.
        let Ok(ended) = tokio::time::timeout(HEALTH_PATIENCE, self.task).await else {
            return Ok(());
        };
        ended.map_err(|error| StartError::Http(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use ratchet_interfaces::{LastSync, RegistryError, RegistryManager, SyncReport};
    use tokio::sync::Notify;

    use super::*;

    struct NeverSynchronized {
        begun: Arc<Notify>,
    }

    #[async_trait]
    impl RegistryManager for NeverSynchronized {
        async fn sync(&self) -> Result<SyncReport, RegistryError> {
            self.begun.notify_one();
            std::future::pending().await
        }

        fn last_sync(&self) -> Option<Arc<LastSync>> {
            None
        }
    }

    #[tokio::test]
    async fn a_stop_while_the_parts_start_breaks_the_start_off_and_stops_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.database.url = folder.path().join("a.db").display().to_string().parse().unwrap();
        let mut container = ServiceContainer::new(&settings).await.unwrap();
        let begun = Arc::new(Notify::new());
        container.registry_manager = Arc::new(NeverSynchronized {
            begun: Arc::clone(&begun),
        });
        let health = ServerHealth::new(Arc::clone(&container.clock));
        let api = ApiState::new(Arc::clone(&container.clock));
        let metrics = Metrics::new(Arc::clone(&container.clock), "1.2.3");
        let front = Front {
            health: &health,
            metrics: &metrics,
            api: &api,
        };
        let stop = pin!(begun.notified());
        run_parts(&container, &settings, front, settings.server.bind, stop)
            .await
            .unwrap();
        assert!(
            container.repositories.ping().await.is_err(),
            "the database is open"
        );
    }
}
