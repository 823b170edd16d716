use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ratchet_scheduler::SchedulerConfig;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

mod error;
mod sources;

pub use error::SettingsError;
pub use sources::SettingsSources;

/// Where the settings file is looked for when none is named.
pub const DEFAULT_FILE: &str = "ratchet.toml";

/// Everything that can be set: from the file, then the environment, then flags; the later wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The HTTP side, and the process.
    pub server: ServerSettings,
    /// The database.
    pub database: DatabaseSettings,
    /// The scheduler and how its jobs run.
    pub scheduler: SchedulerConfig,
    /// What the process says of itself.
    pub log: LogSettings,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// The address to listen on.
    #[serde(deserialize_with = "address")]
    pub bind: SocketAddr,
    /// How long running jobs may go on after the server was told to stop, in seconds. What runs longer is handed
    /// back, and runs again after the next start.
    pub shutdown_grace_seconds: u64,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 8080)),
            shutdown_grace_seconds: 30,
        }
    }
}

/// `[database]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseSettings {
    /// `sqlite://FILE` or `postgres://USER@HOST/NAME`.
    pub url: String,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: "sqlite://ratchet.db".to_owned(),
        }
    }
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// In which form.
    pub format: LogFormat,
    /// How much: `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,ratchet_scheduler=debug`.
    pub level: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
        }
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people; in colours on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// Every key, as it is written in the file, with dots between its parts.
    pub const KEYS: &'static [&'static str] = &[
        "server.bind",
        "server.shutdown_grace_seconds",
        "database.url",
        "scheduler.enabled",
        "scheduler.max_concurrent_jobs",
        "scheduler.job_timeout_seconds",
        "scheduler.enable_notifications",
        "log.format",
        "log.level",
    ];

    const MAX_GRACE_SECONDS: u64 = 3_600;

    /// Reads the settings.
    ///
    /// # Errors
    /// [`SettingsError`] names the key, its value, where it was set and what is allowed.
    pub fn load(sources: SettingsSources) -> Result<Self, SettingsError> {
        let settings: Self = sources.merged()?;
        settings.validated()
    }

    fn validated(mut self) -> Result<Self, SettingsError> {
        if self.server.shutdown_grace_seconds > Self::MAX_GRACE_SECONDS {
            return Err(SettingsError::OutOfRange {
                key: "server.shutdown_grace_seconds",
                value: self.server.shutdown_grace_seconds.to_string(),
                rule: "0 to 3600 seconds".to_owned(),
            });
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log.level) {
            return Err(SettingsError::OutOfRange {
                key: "log.level",
                value: self.log.level,
                rule: format!("error, warn, info, debug, trace, or directives target=level ({error})"),
            });
        }
        self.scheduler = self.scheduler.validated()?;
        Ok(self)
    }
}

/// An address, or an error that shows what was given.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        D::Error::custom(format!(
            "\"{text}\" is not an address and port such as 127.0.0.1:8080 or [::1]:8080"
        ))
    })
}

/// The file to read: the one that was named, or the default one if it exists.
fn file_to_read(named: Option<&Path>) -> Option<PathBuf> {
    named
        .map(Path::to_path_buf)
        .or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        toml: &str,
        environment: &[(&str, &str)],
        flags: &[(&'static str, &str)],
    ) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ratchet.toml");
        std::fs::write(&file, toml).unwrap();
        let mut sources = SettingsSources::new().with_file(Some(&file)).with_environment(
            environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        for (key, value) in flags {
            sources = sources.with_flag(key, Some(*value));
        }
        Settings::load(sources).map_err(|error| ratchet_interfaces::with_causes(&error))
    }

    #[test]
    fn without_any_source_the_defaults_hold() {
        assert_eq!(load("", &[], &[]).unwrap(), Settings::default());
    }

    #[test]
    fn the_environment_wins_over_the_file_and_a_flag_over_both() {
        let file = "[scheduler]\nmax_concurrent_jobs = 1\njob_timeout_seconds = 10\n[database]\nurl = \"sqlite://a\"";
        let environment = [
            ("RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS", "2"),
            ("RATCHET_DATABASE_URL", "sqlite://b"),
        ];
        let settings = load(file, &environment, &[("database.url", "sqlite://c")]).unwrap();
        assert_eq!(settings.scheduler.job_timeout_seconds, 10);
        assert_eq!(settings.scheduler.max_concurrent_jobs, 2);
        assert_eq!(settings.database.url, "sqlite://c");
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key_and_where_it_was_set() {
        let error = load("", &[("RATCHET_SERVER_BIND", "nowhere")], &[]).unwrap_err();
        assert!(
            error.contains("server.bind") && error.contains("RATCHET_SERVER_BIND"),
            "{error}"
        );
        assert!(error.contains("nowhere"), "{error}");

        let error = load("[scheduler]\nmax_concurrent_jobs = \"many\"", &[], &[]).unwrap_err();
        assert!(
            error.contains("scheduler.max_concurrent_jobs") && error.contains("ratchet.toml"),
            "{error}"
        );
        assert!(error.contains("many"), "{error}");

        let error = load("", &[], &[("log.format", "xml")]).unwrap_err();
        assert!(error.contains("log.format") && error.contains("xml"), "{error}");
    }

    #[test]
    fn a_value_out_of_range_is_named_with_its_range() {
        let error = load("[scheduler]\nmax_concurrent_jobs = 0", &[], &[]).unwrap_err();
        assert!(error.contains("scheduler.max_concurrent_jobs is 0"), "{error}");
        let error = load("[server]\nshutdown_grace_seconds = 9999", &[], &[]).unwrap_err();
        assert!(
            error.contains("server.shutdown_grace_seconds") && error.contains("3600"),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_key_is_refused_in_the_file_and_in_the_environment() {
        let error = load("[scheduler]\nmax_jobs = 3", &[], &[]).unwrap_err();
        assert!(
            error.contains("max_jobs") && error.contains("max_concurrent_jobs"),
            "{error}"
        );
        let error = load("", &[("RATCHET_SCHEDULER_MAX_JOBS", "3")], &[]).unwrap_err();
        assert!(error.contains("RATCHET_SCHEDULER_MAX_JOBS"), "{error}");
        assert!(error.contains("RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS"), "{error}");
    }

    #[test]
    fn a_file_that_is_named_must_exist() {
        let sources = SettingsSources::new().with_file(Some(Path::new("/no/such/ratchet.toml")));
        let error = ratchet_interfaces::with_causes(&Settings::load(sources).unwrap_err());
        assert!(error.contains("/no/such/ratchet.toml"), "{error}");
    }

    #[test]
    fn the_list_of_keys_is_that_of_the_settings() {
        let settings = serde_json::to_value(Settings::default()).unwrap();
        let mut keys = Vec::new();
        for (section, fields) in settings.as_object().unwrap() {
            keys.extend(
                fields
                    .as_object()
                    .unwrap()
                    .keys()
                    .map(|field| format!("{section}.{field}")),
            );
        }
        keys.sort();
        let mut listed = Settings::KEYS.to_vec();
        listed.sort_unstable();
        assert_eq!(keys, listed);
    }
}
