use std::sync::Arc;

use clap::Args;
use ratchet_executor::ServerStatus;
use ratchet_interfaces::{Clock, RuntimeStatus, TaskExecutor};
use ratchet_outbound::OutboundClient;
use ratchet_runtimes::{
    BuiltinRuntime, Fetch, HttpRuntime, JavaScriptRuntime, ProcessConfig, ProcessRuntime,
};
use ratchet_scheduler::SystemClock;

use super::mocks::Mocks;
use crate::cli::CliError;
use crate::settings::Settings;

/// What tasks may do here beyond what the settings say.
#[derive(Debug, Args)]
pub(super) struct Allowance {
    /// Let tasks of runtime process run this command, beside those of process.allowed_commands; may be repeated
    #[arg(long = "allow-command", value_name = "COMMAND")]
    commands: Vec<String>,
}

/// Where the requests of tasks go.
pub(super) enum Requests {
    /// To the network.
    Real,
    /// To the mocks of a test.
    Mocked(Arc<Mocks>),
}

impl Allowance {
    /// The runtimes of a server with these settings.
    pub(super) fn runtimes(
        &self,
        settings: &Settings,
        requests: &Requests,
    ) -> Result<Vec<Arc<dyn TaskExecutor>>, CliError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let status: Arc<dyn RuntimeStatus> =
            Arc::new(ServerStatus::new(env!("CARGO_PKG_VERSION"), Arc::clone(&clock)));
        let fetch: Arc<dyn Fetch> = match requests {
            Requests::Real => {
                let networks = settings.outbound.allowed_networks.clone();
                Arc::new(OutboundClient::new(networks).map_err(|error| CliError::failed(&error))?)
            }
            Requests::Mocked(mocks) => Arc::clone(mocks) as Arc<dyn Fetch>,
        };
        let javascript = JavaScriptRuntime::new(settings.javascript.clone(), Arc::clone(&fetch))
            .map_err(|error| CliError::failed(&error))?;
        let process = ProcessRuntime::new(self.process(&settings.process), Arc::clone(&clock))
            .map_err(|error| CliError::usage(&error))?;
        Ok(vec![
            Arc::new(BuiltinRuntime::standard(Arc::clone(&clock), status)),
            Arc::new(HttpRuntime::new(fetch, clock)),
            Arc::new(javascript),
            Arc::new(process),
        ])
    }

    fn process(&self, settings: &ProcessConfig) -> ProcessConfig {
        let mut process = settings.clone();
        process.enabled |= !self.commands.is_empty();
        process.allowed_commands.extend(self.commands.iter().cloned());
        process
    }
}
