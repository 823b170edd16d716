use std::path::Path;

use clap::{Args, ValueEnum};
use ratchet_interfaces::with_causes;

use crate::cli::{CliError, CommonArgs, print};
use crate::command::paint::Paint;
use crate::settings::{Reading, SettingFlags, SettingsError};

mod clock;
mod database;
mod finding;
mod folders;
mod limits;
mod system;
mod zones;

use finding::{Finding, Verdict, as_json, as_text};

/// Where the files of the system lie.
const ROOT: &str = "/";

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet doctor\n  ratchet doctor --config /etc/ratchet.toml\n  \
                        ratchet doctor -o json | jq '.checks[] | select(.verdict != \"ok\")'\n\n\
                        Looked at are the settings, the database (whether it answers, its version, its tables, its \
                        integrity), the space on its disk, the clock and what sets it, the time-zone data, folders and \
                        their permissions, and the limit on open files. The flags are those of `ratchet serve`: give the \
                        same ones.\n\n\
                        It reads only, takes no lock, and may be run beside a server. A large SQLite file is read as a \
                        whole, which takes its time.\n\n\
                        The exit code is 0 when there is no error (there may be warnings), and 1 when there is one."
)]
pub(crate) struct DoctorArgs {
    /// In which form
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = Form::Text)]
    output: Form,
    #[command(flatten)]
    flags: SettingFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Text,
    Json,
}

impl DoctorArgs {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let reading = Reading::of(self.flags.over(common.sources()));
        let runtime = tokio::runtime::Runtime::new().map_err(|error| CliError::failed(&error))?;
        let findings = runtime.block_on(examine(&reading));
        runtime.shutdown_background();
        print(&match self.output {
            Form::Text => as_text(&findings, Paint::of(&std::io::stdout())),
            Form::Json => as_json(&findings),
        })?;
        let errors = findings
            .iter()
            .filter(|finding| finding.verdict == Verdict::Error)
            .count();
        match errors {
            0 => Ok(()),
            1 => Err(CliError::Failed("there is 1 error".to_owned())),
            several => Err(CliError::Failed(format!("there are {several} errors"))),
        }
    }
}

/// Everything that was looked at, in the order of the report.
async fn examine(reading: &Reading) -> Vec<Finding> {
    let root = Path::new(ROOT);
    let settings = &reading.settings;
    let before = clock::Reading::now();
    let mut findings = configuration(reading);
    if reading.is_wrong("database.url") {
        let advice = "it is looked at when database.url is right";
        findings.push(Finding::warning("database", "not looked at", advice));
    } else {
        findings.extend(database::examine(&settings.database.url).await);
    }
    findings.extend(folders::examine(settings));
    findings.extend(clock::examine(
        before,
        clock::Reading::now(),
        root,
        settings.database.url.file(),
    ));
    findings.extend(zones::examine(root));
    findings.push(limits::examine(settings.scheduler.max_concurrent_jobs as u64));
    findings
}

fn configuration(reading: &Reading) -> Vec<Finding> {
    const CHECK: &str = "configuration";
    if reading.mistakes.is_empty() {
        return vec![Finding::ok(CHECK, "the settings are in order")];
    }
    let told = |mistake: &SettingsError| {
        let advice =
            "correct it: docs/configuration.md says what each setting is for; it is left out of what follows";
        Finding::error(CHECK, with_causes(mistake), advice)
    };
    reading.mistakes.iter().map(told).collect()
}
