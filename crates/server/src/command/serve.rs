use clap::Args;
use tokio::sync::oneshot;

use crate::cli::{CliError, CommonArgs};
use crate::container::StartError;
use crate::logging;
use crate::open_files;
use crate::server::UnifiedServer;
use crate::settings::{SettingFlags, Settings};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet serve\n  ratchet serve --config /etc/ratchet.toml --bind 127.0.0.1:9090\n\n\
                        Every setting can stand in the file, in the environment (RATCHET_SERVER_BIND, \
                        RATCHET_DATABASE_URL, RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS, …) and, where there is one, in \
                        a flag; the later wins. docs/configuration.md has all of them, `ratchet config \
                        print` says which hold.\n\nResults of jobs go to standard output, log lines to standard \
                        error."
)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    flags: SettingFlags,
}

impl ServeArgs {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let settings = Settings::load(self.flags.over(common.sources()))?;
        logging::init(&settings.log).map_err(|error| CliError::failed(&error))?;
        open_files::raise_limit();
        let runtime = tokio::runtime::Runtime::new().map_err(|error| CliError::failed(&error))?;
        let outcome = runtime.block_on(serve(&settings));
        // What a part left running on a thread of its own does not hold the process up.
        runtime.shutdown_background();
        outcome.map_err(|error| CliError::failed(&error))
    }
}

async fn serve(settings: &Settings) -> Result<(), StartError> {
    let stop = stop_signal()?;
    UnifiedServer::new(settings).await?.run(stop).await
}

/// Watches for SIGTERM and SIGINT from now on. The first completes the future, which stops the server gracefully;
/// a second ends the process, whatever it is doing.
fn stop_signal() -> Result<impl Future<Output = ()>, StartError> {
    let mut signals = StopSignals::new()?;
    let (first, stop) = oneshot::channel();
    tokio::spawn(async move {
        signals.next().await;
        if first.send(()).is_err() {
            tracing::debug!("the server has stopped by itself already");
        }
        signals.next().await;
        tracing::warn!("a second signal: the process ends at once; its jobs run again after the next start");
        std::process::exit(130);
    });
    Ok(async {
        // An error says that nobody watches for signals any more: the process ends.
        if stop.await.is_err() {}
    })
}

struct StopSignals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(unix)]
impl StopSignals {
    fn new() -> Result<Self, StartError> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(StartError::Signals)?,
            interrupt: signal(SignalKind::interrupt()).map_err(StartError::Signals)?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(windows)]
impl StopSignals {
    fn new() -> Result<Self, StartError> {
        Ok(Self {
            interrupt: tokio::signal::windows::ctrl_c().map_err(StartError::Signals)?,
        })
    }

    async fn next(&mut self) {
        self.interrupt.recv().await;
    }
}
