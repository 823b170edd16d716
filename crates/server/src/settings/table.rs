//! Every setting that there is, once. What reads, checks, prints and describes settings goes by this table; a field
//! of [`Settings`](super::Settings) that is missing here fails a test.

use ratchet_runtimes::{JavaScriptConfig, ProcessConfig};
use ratchet_scheduler::SchedulerConfig;

use super::ServerSettings;
use super::declaration::{Declaration, Flag};
use super::value::Setting;

/// The settings that stand together in the file.
pub(crate) struct Section {
    /// What stands in brackets in the file.
    pub(crate) name: &'static str,
    /// What they are about, in a sentence or some.
    pub(crate) about: &'static str,
    /// In the order in which they are told.
    pub(crate) settings: &'static [Declaration],
}

macro_rules! setting {
    ($section:ident.$field:ident, $about:literal $(, $property:ident: $value:expr)* $(,)?) => {
        Declaration {
            $($property: $value,)*
            ..Declaration::new(
                concat!(stringify!($section), ".", stringify!($field)),
                $about,
                |settings| &settings.$section.$field,
                |settings, value| {
                    settings.$section.$field = Setting::read(value)?;
                    Ok(())
                },
                |to, from| to.$section.$field.clone_from(&from.$section.$field),
            )
        }
    };
}

const fn flag(name: &'static str, value_name: &'static str) -> Option<Flag> {
    Some(Flag { name, value_name })
}

/// All sections.
pub(crate) const SECTIONS: &[Section] = &[
    Section {
        name: "server",
        about: "The HTTP side, and the process.",
        settings: &[
            setting!(
                server.bind,
                "The address and the port to listen on; port 0 is a free one. An address that others can reach takes a \
                 token: [security.md](security.md).",
                flag: flag("--bind", "ADDRESS:PORT"),
            ),
            setting!(
                server.shutdown_grace_seconds,
                "How long running jobs may go on after a stop; what runs longer is handed back and runs again after \
                 the next start.",
                unit: Some("seconds"),
                range: Some((0, ServerSettings::MAX_SHUTDOWN_GRACE_SECONDS)),
                flag: flag("--shutdown-grace-seconds", "SECONDS"),
            ),
            setting!(
                server.requests_per_second,
                "How many requests to the API a client (a token, or an address) may send in a second; after a rest, twice \
                 as many at once.",
                unit: Some("requests"),
                range: Some((0, ServerSettings::MAX_REQUESTS_PER_SECOND as u64)),
                zero: Some("no limit"),
            ),
            setting!(
                server.cors_origins,
                "The pages of elsewhere that may send requests to the API, as in `https://jobs.example.org`.",
            ),
            setting!(
                server.audit_retention_days,
                "For how long the audit log keeps who changed what.",
                unit: Some("days"),
                range: Some((0, ServerSettings::MAX_AUDIT_RETENTION_DAYS as u64)),
                zero: Some("for ever"),
            ),
        ],
    },
    Section {
        name: "database",
        about: "Where everything is kept.",
        settings: &[setting!(
            database.url,
            "`sqlite://FILE` or `postgres://USER:PASSWORD@HOST:PORT/NAME`; a password is never shown.",
            flag: flag("--database", "URL"),
        )],
    },
    Section {
        name: "scheduler",
        about: "The scheduler, how its jobs run, and how long their traces are kept.",
        settings: &[
            setting!(
                scheduler.enabled,
                "Whether ticks fire; when not, schedules can still be changed, and nothing is due.",
            ),
            setting!(
                scheduler.max_concurrent_jobs,
                "How many jobs run at once.",
                unit: Some("jobs"),
                range: Some((1, SchedulerConfig::MAX_CONCURRENT_JOBS as u64)),
                flag: flag("--max-concurrent-jobs", "N"),
            ),
            setting!(
                scheduler.job_timeout_seconds,
                "How long a job may run that has no timeout of its own.",
                unit: Some("seconds"),
                range: Some((1, SchedulerConfig::MAX_TIMEOUT_SECONDS)),
            ),
            setting!(
                scheduler.enable_notifications,
                "Whether the job runtime's notifications (an activation was started, is done) are logged.",
            ),
            setting!(
                scheduler.ledger_retention_days,
                "For how long the ledger keeps what became of a tick.",
                unit: Some("days"),
                range: Some((0, SchedulerConfig::MAX_RETENTION_DAYS as u64)),
                zero: Some("for ever"),
            ),
            setting!(
                scheduler.job_retention_days,
                "For how long a job is kept that has ended.",
                unit: Some("days"),
                range: Some((0, SchedulerConfig::MAX_RETENTION_DAYS as u64)),
                zero: Some("for ever"),
            ),
            setting!(
                scheduler.job_retention_count,
                "How many jobs that have ended are kept, those that ended last.",
                unit: Some("jobs"),
                zero: Some("no limit"),
            ),
        ],
    },
    Section {
        name: "tasks",
        about: "The tasks that lie in a folder: [tasks.md](tasks.md).",
        settings: &[
            setting!(
                tasks.folder,
                "Where tasks are looked for, at any depth.",
                unset: "`tasks` in the working folder, if there is one",
            ),
            setting!(
                tasks.watch,
                "Whether a change in the folder is taken in while the server runs.",
            ),
        ],
    },
    Section {
        name: "javascript",
        about: "What JavaScript tasks may use, unless they say less themselves.",
        settings: &[
            setting!(
                javascript.memory_limit_mb,
                "How much memory a run may use whose task does not say.",
                unit: Some("MiB"),
                range: Some((
                    *JavaScriptConfig::MEMORY_MB.start() as u64,
                    *JavaScriptConfig::MEMORY_MB.end() as u64,
                )),
            ),
            setting!(
                javascript.max_output_mb,
                "How large a result may be as JSON.",
                unit: Some("MiB"),
                range: Some((
                    *JavaScriptConfig::OUTPUT_MB.start() as u64,
                    *JavaScriptConfig::OUTPUT_MB.end() as u64,
                )),
            ),
        ],
    },
    Section {
        name: "output",
        about: "Where results are written: [outputs.md](outputs.md).",
        settings: &[setting!(
            output.folder,
            "The folder below which destinations of the type `filesystem` write; it is made when it is first used.",
        )],
    },
    Section {
        name: "outbound",
        about: "What requests of tasks and webhooks may reach.",
        settings: &[setting!(
            outbound.allowed_networks,
            "The private networks and addresses that may be reached besides the Internet, such as `10.1.0.0/16`.",
        )],
    },
    Section {
        name: "process",
        about: "What tasks may run as processes: [tasks/process.md](tasks/process.md).",
        settings: &[
            setting!(
                process.enabled,
                "Whether there are processes at all; then `allowed_commands` or `folder` must say which.",
                judged_with: &["process.allowed_commands", "process.folder"],
            ),
            setting!(
                process.allowed_commands,
                "What may be run: absolute paths, and bare names, which are looked for in `path`.",
            ),
            setting!(
                process.folder,
                "A folder of which every executable file may be run, as an absolute path.",
                unset: "none",
            ),
            setting!(
                process.path,
                "The variable `PATH` of every process: absolute folders with colons between them.",
            ),
            setting!(
                process.working_folders,
                "The absolute folders in and below which a task may say that its process works.",
            ),
            setting!(
                process.stop_grace_seconds,
                "How long a process that was told to end (SIGTERM) may take before it is killed (SIGKILL).",
                unit: Some("seconds"),
                range: Some((0, ProcessConfig::MAX_STOP_GRACE_SECONDS)),
            ),
            setting!(
                process.max_output_bytes,
                "How much of what a process prints may become its result.",
                unit: Some("bytes"),
                range: Some((1, ProcessConfig::MAX_OUTPUT_BYTES)),
            ),
        ],
    },
    Section {
        name: "telemetry",
        about: "Which traces are told, and to whom: [observability.md](observability.md).",
        settings: &[
            setting!(
                telemetry.otlp_endpoint,
                "Where a collector takes OTLP over HTTP, such as `http://127.0.0.1:4318`; without it no trace is told.",
                unset: "what `OTEL_EXPORTER_OTLP_ENDPOINT` says, if it is set",
            ),
            setting!(
                telemetry.trace_percent,
                "Of how many of a hundred jobs a trace is told.",
                unit: Some("percent"),
                range: Some((0, 100)),
            ),
        ],
    },
    Section {
        name: "log",
        about: "What the process says of itself, on standard error.",
        settings: &[
            setting!(
                log.format,
                "The form of log lines: for people, or one JSON object a line.",
                flag: flag("--log-format", "FORMAT"),
            ),
            setting!(
                log.level,
                "How much is logged: `off`, `error`, `warn`, `info`, `debug`, `trace`, or directives such as \
                 `info,ratchet_scheduler=debug`.",
                flag: flag("--log-level", "LEVEL"),
            ),
        ],
    },
];

/// All settings, in the order of their sections.
pub(crate) fn declarations() -> impl Iterator<Item = &'static Declaration> {
    SECTIONS.iter().flat_map(|section| section.settings)
}
