use std::env;
use std::process::Command;

use crate::cargo::{Cargo, Profile};
use crate::cluster::{Cluster, Durability};
use crate::error::Error;
use crate::installation::{Installation, MINIMUM};
use crate::interrupts::Interrupts;
use crate::steps::Steps;

/// Names the PostgreSQL server that tests make their databases on.
const POSTGRES_URL: &str = "RATCHET_TEST_POSTGRES_URL";
/// Names the binary that the whole-system tests start.
const SERVER_BINARY: &str = "RATCHET_BIN";

#[derive(clap::Args)]
// Flattened into the options of `coverage`, whose group has the same name.
#[group(skip)]
pub(crate) struct Options {
    /// Leave out the tests that need PostgreSQL
    #[arg(long)]
    no_postgres: bool,
    /// Arguments for `cargo test`: packages, names of tests, and after a second `--` those of the test programs
    #[arg(last = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(cargo: &Cargo, options: &Options) -> Result<(), Error> {
    let interrupts = Interrupts::listen()?;
    let mut steps = Steps::default();
    let outcome = all_steps(cargo, options, &interrupts, &mut steps);
    eprintln!("xtask test: {steps}");
    outcome
}

fn all_steps(
    cargo: &Cargo,
    options: &Options,
    interrupts: &Interrupts,
    steps: &mut Steps,
) -> Result<(), Error> {
    let environment = Environment::prepare(cargo, options, interrupts, steps)?;
    steps.step("tests", || {
        let mut command = cargo.command(["test", "--no-fail-fast"]);
        command.args(options.cargo_arguments());
        interrupts.run(environment.apply(&mut command))
    })
}

impl Options {
    /// What `cargo test` is called with: everything, unless packages are named.
    pub(crate) fn cargo_arguments(&self) -> Vec<&str> {
        let everything = self.packages().is_empty().then_some("--workspace");
        everything
            .into_iter()
            .chain(self.arguments.iter().map(String::as_str))
            .collect()
    }

    fn needs_server(&self) -> bool {
        let packages = self.packages();
        packages.is_empty() || packages.contains(&"ratchet-tests")
    }

    fn packages(&self) -> Vec<&str> {
        let mut packages = Vec::new();
        let mut arguments = self.arguments.iter().take_while(|argument| *argument != "--");
        while let Some(argument) = arguments.next() {
            if argument == "-p" || argument == "--package" {
                packages.extend(arguments.next().map(String::as_str));
            } else if let Some(package) = argument
                .strip_prefix("--package=")
                .or(argument.strip_prefix("-p"))
            {
                packages.push(package);
            }
        }
        packages
    }
}

/// What the tests find set up: a PostgreSQL server, where there is one, and the `ratchet` binary.
pub(crate) struct Environment {
    cluster: Option<Cluster>,
    server: Option<std::path::PathBuf>,
}

impl Environment {
    pub(crate) fn prepare(
        cargo: &Cargo,
        options: &Options,
        interrupts: &Interrupts,
        steps: &mut Steps,
    ) -> Result<Self, Error> {
        let cluster = if options.no_postgres {
            refuse_to_leave_out(in_ci())?;
            tell_what_is_left_out("--no-postgres");
            None
        } else {
            steps.step("PostgreSQL", || start_cluster(interrupts))?
        };
        let server = if options.needs_server() {
            Some(steps.step("server", || cargo.build_server(interrupts, Profile::Debug))?)
        } else {
            None
        };
        Ok(Self { cluster, server })
    }

    pub(crate) fn server(&self) -> Option<&std::path::Path> {
        self.server.as_deref()
    }

    pub(crate) fn apply<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        // Unset where we have none: what the caller's shell has set is no server of ours.
        match &self.cluster {
            Some(cluster) => command.env(POSTGRES_URL, cluster.url()),
            None => command.env_remove(POSTGRES_URL),
        };
        match &self.server {
            Some(server) => command.env(SERVER_BINARY, server),
            None => command.env_remove(SERVER_BINARY),
        }
    }
}

fn start_cluster(interrupts: &Interrupts) -> Result<Option<Cluster>, Error> {
    let Some(installation) = found(Installation::find_or_install(interrupts), in_ci())? else {
        return Ok(None);
    };
    let cluster = Cluster::start(&installation, interrupts, Durability::None)?;
    eprintln!("{} serves {}", installation.directory().display(), cluster.url());
    Ok(Some(cluster))
}

/// What was found, or why the tests are left out without it: there is none, or it could not be installed.
fn found<T>(outcome: Result<Option<T>, Error>, in_ci: bool) -> Result<Option<T>, Error> {
    match outcome {
        Ok(Some(found)) => return Ok(Some(found)),
        Ok(None) => {}
        Err(interrupted @ Error::Interrupted { .. }) => return Err(interrupted),
        Err(failed) => failed.report(),
    }
    if in_ci {
        return Err(Error::PostgresMissing { minimum: MINIMUM });
    }
    tell_what_is_left_out(&format!("no PostgreSQL {MINIMUM} or newer was found"));
    Ok(None)
}

/// In CI, a test that is left out is a failure, also when somebody asked for it.
fn refuse_to_leave_out(in_ci: bool) -> Result<(), Error> {
    if in_ci { Err(Error::LeftOutInCi) } else { Ok(()) }
}

fn tell_what_is_left_out(reason: &str) {
    eprintln!(
        "LEFT OUT ({reason}): every test on PostgreSQL, be it of the repositories or of the whole system"
    );
}

pub(crate) fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Options {
        Options {
            no_postgres: false,
            arguments: arguments.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn the_whole_workspace_is_tested_unless_packages_are_named() {
        assert_eq!(options(&["a_name"]).cargo_arguments(), ["--workspace", "a_name"]);
        assert_eq!(options(&["-p", "xtask"]).cargo_arguments(), ["-p", "xtask"]);
        assert_eq!(
            options(&["--", "-p"]).cargo_arguments(),
            ["--workspace", "--", "-p"]
        );
    }

    #[test]
    fn in_ci_no_test_may_be_left_out_whatever_the_reason() {
        let failed = || Error::DaemonStart {
            program: "PostgreSQL",
            seconds: 1,
            log: String::new(),
        };
        assert!(found::<()>(Ok(None), true).is_err());
        assert!(found::<()>(Err(failed()), true).is_err());
        assert!(refuse_to_leave_out(true).is_err());
        assert!(matches!(found::<()>(Ok(None), false), Ok(None)));
        assert!(matches!(found::<()>(Err(failed()), false), Ok(None)));
        assert!(refuse_to_leave_out(false).is_ok());
        assert!(matches!(found(Ok(Some(7)), true), Ok(Some(7))));
        let interrupted = Err(Error::Interrupted { signal: 2 });
        assert!(found::<()>(interrupted, false).is_err());
    }

    #[test]
    fn the_server_is_built_for_the_tests_that_start_it() {
        assert!(options(&[]).needs_server());
        assert!(options(&["--package=ratchet-tests"]).needs_server());
        assert!(!options(&["-p", "ratchet-storage", "a_name"]).needs_server());
        assert!(!options(&["-pratchet-storage"]).needs_server());
    }
}
