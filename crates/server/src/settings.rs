use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ratchet_interfaces::SchedulerError;
use ratchet_outbound::AddressPolicy;
use ratchet_runtimes::{JavaScriptConfig, JavaScriptConfigError, ProcessConfig, ProcessConfigError};
use ratchet_scheduler::SchedulerConfig;
use ratchet_storage::DatabaseUrl;

mod error;
mod log_filter;
mod nearest;
mod reader;
mod sources;
mod value;

pub use error::SettingsError;
pub use log_filter::LogFilter;
pub use sources::{DEFAULT_FILE, SettingsSources};

use reader::Reader;

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
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// The address to listen on.
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
    /// The folder; `None` is [`TaskSettings::DEFAULT_FOLDER`], if there is one.
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
    const MAX_GRACE_SECONDS: u64 = 3_600;

    /// Reads the settings.
    ///
    /// # Errors
    /// [`SettingsError`] names the key, its value, where it was set and what is allowed.
    pub fn load(sources: SettingsSources) -> Result<Self, SettingsError> {
        let mut reader = Reader::of(sources)?;
        let settings = Self::read(&mut reader)?;
        reader.refuse_what_is_left()?;
        Ok(settings)
    }

    /// Asks the reader for every key that there is: what nobody asks for is unknown.
    fn read(reader: &mut Reader) -> Result<Self, SettingsError> {
        let Self {
            server,
            database,
            scheduler,
            tasks,
            javascript,
            output,
            outbound,
            process,
            log,
        } = Self::default();
        let settings = Self {
            server: ServerSettings {
                bind: reader.take("server.bind", server.bind)?,
                shutdown_grace_seconds: reader
                    .take("server.shutdown_grace_seconds", server.shutdown_grace_seconds)?,
            },
            database: DatabaseSettings {
                url: reader.take("database.url", database.url)?,
            },
            scheduler: SchedulerConfig {
                enabled: reader.take("scheduler.enabled", scheduler.enabled)?,
                max_concurrent_jobs: reader
                    .take("scheduler.max_concurrent_jobs", scheduler.max_concurrent_jobs)?,
                job_timeout_seconds: reader
                    .take("scheduler.job_timeout_seconds", scheduler.job_timeout_seconds)?,
                enable_notifications: reader
                    .take("scheduler.enable_notifications", scheduler.enable_notifications)?,
                ledger_retention_days: reader
                    .take("scheduler.ledger_retention_days", scheduler.ledger_retention_days)?,
                job_retention_days: reader
                    .take("scheduler.job_retention_days", scheduler.job_retention_days)?,
                job_retention_count: reader
                    .take("scheduler.job_retention_count", scheduler.job_retention_count)?,
            },
            tasks: TaskSettings {
                folder: reader.take("tasks.folder", tasks.folder)?,
                watch: reader.take("tasks.watch", tasks.watch)?,
            },
            javascript: JavaScriptConfig {
                memory_limit_mb: reader.take("javascript.memory_limit_mb", javascript.memory_limit_mb)?,
                max_output_mb: reader.take("javascript.max_output_mb", javascript.max_output_mb)?,
            },
            output: OutputSettings {
                folder: reader.take("output.folder", output.folder)?,
            },
            outbound: OutboundSettings {
                allowed_networks: reader.take("outbound.allowed_networks", outbound.allowed_networks)?,
            },
            process: ProcessConfig {
                enabled: reader.take("process.enabled", process.enabled)?,
                allowed_commands: reader.take("process.allowed_commands", process.allowed_commands)?,
                folder: reader.take("process.folder", process.folder)?,
                path: reader.take("process.path", process.path)?,
                working_folders: reader.take("process.working_folders", process.working_folders)?,
                stop_grace_seconds: reader.take("process.stop_grace_seconds", process.stop_grace_seconds)?,
                max_output_bytes: reader.take("process.max_output_bytes", process.max_output_bytes)?,
            },
            log: LogSettings {
                format: reader.take("log.format", log.format)?,
                level: reader.take("log.level", log.level)?,
            },
        };
        let grace = settings.server.shutdown_grace_seconds;
        if grace > Self::MAX_GRACE_SECONDS {
            let rule = format!("0 to {} seconds are allowed", Self::MAX_GRACE_SECONDS);
            return Err(reader.refuse("server.shutdown_grace_seconds", grace.to_string(), rule));
        }
        let bind = settings.server.bind;
        if !bind.ip().to_canonical().is_loopback() {
            let rule = "the HTTP API has no authentication, so that only an address of loopback is allowed, such as \
                        127.0.0.1:8080 or [::1]:8080";
            return Err(reader.refuse("server.bind", bind.to_string(), rule));
        }
        if let Err(JavaScriptConfigError { field, value, rule }) = settings.javascript.clone().validated() {
            return Err(reader.refuse(&format!("javascript.{field}"), value, rule));
        }
        if let Err(ProcessConfigError { field, value, rule }) = settings.process.clone().validated() {
            return Err(reader.refuse(&format!("process.{field}"), value, rule));
        }
        match settings.scheduler.clone().validated() {
            Ok(scheduler) => Ok(Self {
                scheduler,
                ..settings
            }),
            // Its ranges are the scheduler's own; where the value came from is known here.
            Err(SchedulerError::InvalidConfig { field, value, rule }) => {
                Err(reader.refuse(&format!("scheduler.{field}"), value, rule))
            }
            Err(other) => Err(other.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::*;

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    fn load(toml: &str, environment: Pairs<'_>, flags: &[(&'static str, &str)]) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ratchet.toml");
        std::fs::write(&file, toml).unwrap();
        let variables = environment
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let mut sources = SettingsSources::new()
            .with_file(Some(&file))
            .with_environment(variables);
        for (key, value) in flags {
            sources = sources.with_flag("--the-flag", key, Some(*value));
        }
        Settings::load(sources).map_err(|error| ratchet_interfaces::with_causes(&error))
    }

    fn refusal_of_file(toml: &str) -> String {
        load(toml, &[], &[]).unwrap_err()
    }

    fn refusal_of_variable(name: &str, value: &str) -> String {
        load("", &[(name, value)], &[]).unwrap_err()
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
        assert_eq!(settings.database.url.file(), Some(Path::new("c")));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key_where_it_was_set_and_what_is_allowed() {
        assert_eq!(
            refusal_of_variable("RATCHET_SERVER_BIND", "nowhere"),
            "server.bind is \"nowhere\" (environment variable RATCHET_SERVER_BIND): allowed is an address and port, \
             such as 127.0.0.1:8080 or [::1]:8080"
        );
        let error = refusal_of_file("[scheduler]\nmax_concurrent_jobs = \"many\"");
        assert!(
            error.starts_with("scheduler.max_concurrent_jobs is \"many\" (file /"),
            "{error}"
        );
        assert!(
            error.ends_with("ratchet.toml): allowed is a whole number"),
            "{error}"
        );
        assert_eq!(
            load("", &[], &[("log.format", "xml")]).unwrap_err(),
            "log.format is \"xml\" (flag --the-flag): allowed are text and json"
        );
    }

    #[test]
    fn an_address_that_others_can_reach_is_refused_since_the_api_asks_nobody_who_they_are() {
        for reachable in [
            "0.0.0.0:8080",
            "10.0.0.1:8080",
            "[::]:8080",
            "[2001:db8::1]:8080",
            "[::ffff:10.0.0.1]:8080",
        ] {
            let error = refusal_of_file(&format!("server.bind = \"{reachable}\""));
            assert!(
                error.contains("server.bind") && error.contains("loopback"),
                "{reachable}: {error}"
            );
        }
        for local in ["127.0.0.1:8080", "127.1.2.3:0", "[::1]:8080"] {
            load(&format!("server.bind = \"{local}\""), &[], &[]).unwrap();
        }
    }

    #[test]
    fn the_file_must_have_the_type_of_the_key() {
        for (key, value) in [
            ("scheduler.enabled", "\"yes\""),
            ("scheduler.enabled", "\"true\""),
            ("scheduler.enabled", "1"),
            ("scheduler.max_concurrent_jobs", "1.5"),
            ("scheduler.max_concurrent_jobs", "\"5\""),
            ("scheduler.max_concurrent_jobs", "-1"),
            ("scheduler.job_timeout_seconds", "true"),
            ("database.url", "5"),
            ("log.format", "[\"json\"]"),
            ("log.level", "3"),
            ("tasks.folder", "3"),
            ("tasks.folder", "\"\""),
            ("tasks.watch", "\"true\""),
            ("server.bind", "8080"),
            ("output.folder", "3"),
            ("output.folder", "\"\""),
            ("outbound.allowed_networks", "\"localhost\""),
            ("outbound.allowed_networks", "[10]"),
            ("process.allowed_commands", "\"rsync\""),
            ("process.allowed_commands", "[\"rsync\", 1]"),
            ("process.working_folders", "3"),
            ("process.folder", "\"\""),
            ("process.path", "[\"/bin\"]"),
        ] {
            let error = refusal_of_file(&format!("{key} = {value}"));
            assert!(error.starts_with(&format!("{key} is {value} (file ")), "{error}");
        }
    }

    #[test]
    fn networks_are_a_list_in_the_file_and_have_commas_between_them_elsewhere() {
        let of_file = load(
            "[outbound]\nallowed_networks = [\"10.1.0.0/16\", \"::1\"]",
            &[],
            &[],
        )
        .unwrap();
        let of_environment = load(
            "",
            &[("RATCHET_OUTBOUND_ALLOWED_NETWORKS", "10.1.0.0/16, ::1")],
            &[],
        )
        .unwrap();
        assert_eq!(of_file, of_environment);
        assert_eq!(of_file.outbound.allowed_networks.to_string(), "10.1.0.0/16, ::1");
    }

    #[test]
    fn a_folder_of_tasks_that_was_named_counts_whether_it_exists_or_not() {
        let settings = load("[tasks]\nfolder = \"no/such/folder\"\nwatch = false", &[], &[]).unwrap();
        assert_eq!(settings.tasks.folder(), Some("no/such/folder".into()));
        assert!(!settings.tasks.watch);
        // The folder that this test runs in has none.
        assert_eq!(TaskSettings::default().folder(), None);
    }

    #[test]
    fn a_list_has_brackets_in_the_file_and_commas_elsewhere() {
        let file = "[process]\nallowed_commands = [\"rsync\", \"/bin/date\"]\nworking_folders = [\"/srv\"]";
        let of_file = load(file, &[], &[]).unwrap();
        let environment = [
            ("RATCHET_PROCESS_ALLOWED_COMMANDS", "rsync, /bin/date"),
            ("RATCHET_PROCESS_WORKING_FOLDERS", "/srv"),
        ];
        assert_eq!(load("", &environment, &[]).unwrap(), of_file);
        assert_eq!(of_file.process.allowed_commands, ["rsync", "/bin/date"]);
        let none = load(file, &[("RATCHET_PROCESS_ALLOWED_COMMANDS", "")], &[]).unwrap();
        assert!(none.process.allowed_commands.is_empty());
        assert_eq!(
            refusal_of_variable("RATCHET_PROCESS_ALLOWED_COMMANDS", "rsync,,date"),
            "process.allowed_commands is \"rsync,,date\" (environment variable RATCHET_PROCESS_ALLOWED_COMMANDS): \
             allowed are texts with commas between them"
        );
    }

    #[test]
    fn what_processes_may_not_do_is_named_with_the_key_and_where_it_was_set() {
        let error = refusal_of_file("[process]\nenabled = true");
        assert!(error.starts_with("process.enabled is true (file "), "{error}");
        assert!(
            error.contains("process.allowed_commands or process.folder"),
            "{error}"
        );
        assert_eq!(
            refusal_of_variable("RATCHET_PROCESS_FOLDER", "scripts"),
            "process.folder is \"scripts\" (environment variable RATCHET_PROCESS_FOLDER): an absolute path of a \
             folder is allowed"
        );
    }

    #[test]
    fn the_environment_is_read_by_the_type_of_the_key() {
        let environment = [
            ("RATCHET_SCHEDULER_ENABLED", "false"),
            ("RATCHET_SCHEDULER_JOB_TIMEOUT_SECONDS", "9"),
        ];
        let settings = load("", &environment, &[]).unwrap();
        assert!(!settings.scheduler.enabled);
        assert_eq!(settings.scheduler.job_timeout_seconds, 9);
        for (name, value) in [
            ("RATCHET_SCHEDULER_ENABLED", "yes"),
            ("RATCHET_SCHEDULER_ENABLED", "1"),
            ("RATCHET_SCHEDULER_ENABLED", ""),
            ("RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS", "1.5"),
            ("RATCHET_LOG_FORMAT", "TEXT"),
        ] {
            let error = refusal_of_variable(name, value);
            assert!(
                error.contains(&format!(" is \"{value}\" (environment variable {name}): ")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_value_out_of_range_is_named_with_its_range_and_where_it_was_set() {
        assert_eq!(
            load("", &[], &[("scheduler.max_concurrent_jobs", "0")]).unwrap_err(),
            "scheduler.max_concurrent_jobs is 0 (flag --the-flag): 1 to 10000 jobs can run at once"
        );
        assert_eq!(
            refusal_of_variable("RATCHET_SERVER_SHUTDOWN_GRACE_SECONDS", "9999"),
            "server.shutdown_grace_seconds is 9999 (environment variable RATCHET_SERVER_SHUTDOWN_GRACE_SECONDS): \
             0 to 3600 seconds are allowed"
        );
        let error = refusal_of_file("scheduler.job_timeout_seconds = 0");
        assert!(error.contains("is 0 (file "), "{error}");
    }

    #[test]
    fn what_javascript_may_use_is_bounded() {
        assert_eq!(
            refusal_of_variable("RATCHET_JAVASCRIPT_MEMORY_LIMIT_MB", "0"),
            "javascript.memory_limit_mb is 0 (environment variable RATCHET_JAVASCRIPT_MEMORY_LIMIT_MB): \
             1 to 4096 MiB are allowed"
        );
        let settings = load("javascript.max_output_mb = 32", &[], &[]).unwrap();
        assert_eq!(settings.javascript.max_output_mb, 32);
    }

    #[test]
    fn a_place_that_is_no_database_s_is_named_without_its_password() {
        assert_eq!(
            refusal_of_variable("RATCHET_DATABASE_URL", "mysql://me:secret@host/db"),
            "database.url is \"mysql://…\" (environment variable RATCHET_DATABASE_URL): mysql:// is not supported: \
             give sqlite://file or postgres://user@host/name"
        );
        for toml in [
            "database.url = \"postgres://me:secret@host:port/db\"",
            "database.urll = \"postgres://me:secret@host/db\"",
        ] {
            let error = refusal_of_file(toml);
            assert!(
                error.contains("\"postgres://…\"") && !error.contains("secret"),
                "{error}"
            );
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_value_and_the_nearest_one() {
        let error = refusal_of_file("[server]\nbnid = \"[::1]:80\"");
        assert!(error.starts_with("server.bnid is \"[::1]:80\" (file "), "{error}");
        assert!(
            error.ends_with(": there is no such key; did you mean server.bind?"),
            "{error}"
        );
        let error = refusal_of_file("[scheduler]\nmax_jobs = 3");
        assert!(
            error.contains("scheduler.max_jobs is 3 (file ")
                && error.contains("scheduler.max_concurrent_jobs"),
            "{error}"
        );
        for toml in [
            "[wings]",
            "wings = 3",
            "[[server]]",
            "server = 1",
            "[server.tls]\non = true",
        ] {
            let error = refusal_of_file(toml);
            assert!(error.contains("there is no such key"), "{toml}: {error}");
        }
        assert_eq!(load("[server]\n[log]", &[], &[]).unwrap(), Settings::default());
    }

    #[test]
    fn an_unknown_variable_of_ours_is_refused_with_its_value_and_the_nearest_one() {
        assert_eq!(
            refusal_of_variable("RATCHET_DATABSE_URL", "x"),
            "RATCHET_DATABSE_URL is \"x\" (environment): there is no such variable; did you mean \
             RATCHET_DATABASE_URL?"
        );
        let error = refusal_of_variable("RATCHET_SCHEDULER_MAX_JOBS", "3");
        assert!(error.contains("RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS"), "{error}");
        let error = refusal_of_variable("RATCHET_CONFG", "a.toml");
        assert!(error.ends_with("did you mean RATCHET_CONFIG?"), "{error}");
    }

    #[test]
    fn variables_of_others_and_of_the_tests_set_nothing() {
        let environment = [
            ("RATCHET_CONFIG", "elsewhere.toml"),
            ("RATCHET_BIN", "/target/ratchet"),
            ("RATCHET_TEST_POSTGRES_URL", "postgres://host"),
            ("RATCHETS", "many"),
            ("DATABASE_URL", "sqlite://other"),
        ];
        assert_eq!(load("", &environment, &[]).unwrap(), Settings::default());
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_unicode_is_named_if_it_is_ours_and_ignored_if_not() {
        use std::os::unix::ffi::OsStringExt;
        let broken = || OsString::from_vec(vec![b'a', 0xff]);
        let of = |name: OsString| SettingsSources::new().with_environment([(name, broken())]);
        assert_eq!(Settings::load(of("PATH".into())).unwrap(), Settings::default());
        assert_eq!(Settings::load(of(broken())).unwrap(), Settings::default());
        let error = Settings::load(of("RATCHET_LOG_LEVEL".into())).unwrap_err();
        assert!(error.to_string().contains("RATCHET_LOG_LEVEL"), "{error}");
        let error = Settings::load(of(OsString::from_vec(b"RATCHET_LOG_\xff".to_vec()))).unwrap_err();
        assert!(error.to_string().contains("RATCHET_LOG_"), "{error}");
    }

    #[test]
    fn a_file_that_is_named_must_exist_and_be_a_file_of_toml() {
        let refusal = |path: &Path| {
            let error = Settings::load(SettingsSources::new().with_file(Some(path))).unwrap_err();
            ratchet_interfaces::with_causes(&error)
        };
        let error = refusal(Path::new("/no/such/ratchet.toml"));
        assert!(
            error.contains("/no/such/ratchet.toml") && error.contains("No such file"),
            "{error}"
        );
        let folder = tempfile::tempdir().unwrap();
        let error = refusal(folder.path());
        assert!(
            error.contains("cannot be read") && error.contains("irectory"),
            "{error}"
        );
        let error = refusal_of_file("[server\nbind = 3");
        assert!(
            error.contains("ratchet.toml") && error.contains("line 1"),
            "{error}"
        );
    }

    #[test]
    fn every_key_stands_in_the_operations_manual() {
        let manual = include_str!("../../../docs/operations.md");
        let mut reader = Reader::of(SettingsSources::new()).unwrap();
        Settings::read(&mut reader).unwrap();
        assert!(reader.keys().len() >= 12);
        for key in reader.keys() {
            let row = format!("| `{key}` | `{}` |", sources::variable_of(key));
            assert!(manual.contains(&row), "{row}");
        }
    }
}
