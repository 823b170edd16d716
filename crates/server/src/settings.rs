use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ratchet_api::Origin;
use ratchet_outbound::AddressPolicy;
use ratchet_runtimes::{JavaScriptConfig, ProcessConfig};
use ratchet_scheduler::SchedulerConfig;
use ratchet_storage::DatabaseUrl;
use ratchet_telemetry::OtlpEndpoint;

mod declaration;
mod error;
mod flags;
mod log_filter;
mod nearest;
mod reading;
mod reference;
mod sources;
mod table;
mod value;

pub(crate) use declaration::Declaration;
pub use error::SettingsError;
pub(crate) use flags::SettingFlags;
pub use log_filter::LogFilter;
pub(crate) use reading::Reading;
pub(crate) use reference::reference;
pub use sources::{DEFAULT_FILE, SettingsSources};
pub(crate) use table::{SECTIONS, Section, declarations};

/// Everything that can be set: from the file, then the environment, then flags; the later wins.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Settings {
    /// The HTTP side, and the process.
    pub server: ServerSettings,
    /// The database.
    pub database: DatabaseSettings,
    /// The scheduler and how its jobs run.
    pub scheduler: SchedulerConfig,
    /// The tasks that lie in a folder.
    pub tasks: TaskSettings,
    /// What JavaScript tasks may use.
    pub javascript: JavaScriptConfig,
    /// Where results are written.
    pub output: OutputSettings,
    /// What requests of tasks and webhooks may reach.
    pub outbound: OutboundSettings,
    /// What tasks may run as processes.
    pub process: ProcessConfig,
    /// What the process says of itself.
    pub log: LogSettings,
    /// Which traces are told, and to whom.
    pub telemetry: TelemetrySettings,
}

impl ServerSettings {
    /// The longest grace, in seconds.
    pub const MAX_SHUTDOWN_GRACE_SECONDS: u64 = 3_600;
    /// The most requests a second that can be counted.
    pub const MAX_REQUESTS_PER_SECOND: u32 = 1_000_000;
    /// The longest time that the audit log is kept, in days.
    pub const MAX_AUDIT_RETENTION_DAYS: u32 = 36_500;

    /// Whether only this machine can reach the server, so that it may do without tokens.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.bind.ip().to_canonical().is_loopback()
    }
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// The address to listen on.
    pub bind: SocketAddr,
    /// How long running jobs may go on after the server was told to stop, in seconds. What runs longer is handed
    /// back, and runs again after the next start.
    pub shutdown_grace_seconds: u64,
    /// How many requests a client may send in a second; 0 is no limit.
    pub requests_per_second: u32,
    /// The pages of elsewhere that may send requests.
    pub cors_origins: Vec<Origin>,
    /// For how many days the audit log is kept; 0 is for ever.
    pub audit_retention_days: u32,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 8080)),
            shutdown_grace_seconds: 30,
            requests_per_second: 5_000,
            cors_origins: Vec::new(),
            audit_retention_days: 365,
        }
    }
}

/// `[database]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// `sqlite://FILE` or `postgres://USER@HOST/NAME`.
    pub url: DatabaseUrl,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: "sqlite://ratchet.db"
                .parse()
                .expect("a file is a database's place, as a test shows"),
        }
    }
}

/// `[output]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSettings {
    /// The folder below which destinations of the type `filesystem` write. It is made when it is first used.
    pub folder: PathBuf,
}

impl Default for OutputSettings {
    fn default() -> Self {
        Self {
            folder: "output".into(),
        }
    }
}

/// `[tasks]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSettings {
    /// The folder; `None` is [`TaskSettings::DEFAULT_FOLDER`], which may be made later.
    pub folder: Option<PathBuf>,
    /// Whether a change in the folder is noticed while the server runs.
    pub watch: bool,
}

impl Default for TaskSettings {
    fn default() -> Self {
        Self {
            folder: None,
            watch: true,
        }
    }
}

impl TaskSettings {
    /// Where tasks are looked for when no folder is named: in the working folder.
    pub const DEFAULT_FOLDER: &str = "tasks";

    /// The folder in which tasks are looked for. One that was named counts whether it exists or not.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        self.folder.clone().or_else(|| {
            let default = Path::new(Self::DEFAULT_FOLDER);
            default.is_dir().then(|| default.to_owned())
        })
    }
}

/// `[outbound]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboundSettings {
    /// The networks and addresses that webhooks and tasks may reach beside those of the Internet.
    pub allowed_networks: AddressPolicy,
}

/// `[telemetry]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// The collector of traces; `None` leaves it to OpenTelemetry's variables of the environment.
    pub otlp_endpoint: Option<OtlpEndpoint>,
    /// Of how many percent of the jobs a trace is told.
    pub trace_percent: u64,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            trace_percent: 100,
        }
    }
}

/// `[log]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSettings {
    /// In which form.
    pub format: LogFormat,
    /// How much.
    pub level: LogFilter,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; in colours on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`SettingsError`] names the key, its value, where it was set and what is allowed; of several mistakes, all.
    pub fn load(sources: SettingsSources) -> Result<Self, SettingsError> {
        Self::from_reading(Reading::of(sources))
    }

    /// The settings, unless something is wrong with them.
    pub(crate) fn from_reading(reading: Reading) -> Result<Self, SettingsError> {
        match SettingsError::of_all(reading.mistakes) {
            None => Ok(reading.settings),
            Some(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
