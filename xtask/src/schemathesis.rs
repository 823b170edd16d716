use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde::Deserialize;

use crate::cargo::{Cargo, Profile};
use crate::daemon::{Daemon, dying_with_us, free_port};
use crate::debian;
use crate::error::Error;
use crate::interrupts::Interrupts;
use crate::steps::Steps;

/// How long the server may take to start: it may have been built for debugging, beside something else.
const START_LIMIT: Duration = Duration::from_secs(60);
const DATABASE: &str = "sqlite://ratchet.db";
/// What it is configured by, and what is installed for it.
const FOLDER: &str = "tests/schemathesis";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many requests are made up for each operation of the document, in each phase that makes some up
    #[arg(long, default_value_t = 15)]
    examples: u32,
    /// Fail unless so many requests were sent
    #[arg(long, default_value_t = 5_000)]
    at_least: u64,
    /// Make up the same requests as another run did
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Arguments for `schemathesis run`, for example `--include-path /api/v1/jobs`
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// What of Schemathesis' report is looked at.
#[derive(Deserialize)]
struct Report {
    operations: Operations,
    test_cases: TestCases,
}

#[derive(Deserialize)]
struct Operations {
    selected: u64,
    tested: u64,
}

#[derive(Deserialize)]
struct TestCases {
    generated: u64,
}

pub(crate) fn run(cargo: &Cargo, options: &Options) -> Result<(), Error> {
    let interrupts = Interrupts::listen()?;
    let mut steps = Steps::default();
    let outcome = all_steps(cargo, options, &interrupts, &mut steps);
    eprintln!("xtask schemathesis: {steps}");
    outcome
}

fn all_steps(
    cargo: &Cargo,
    options: &Options,
    interrupts: &Interrupts,
    steps: &mut Steps,
) -> Result<(), Error> {
    let place = cargo.target_directory().join("schemathesis");
    fs::create_dir_all(&place).map_err(|source| Error::File {
        doing: "make",
        path: place.clone(),
        source,
    })?;
    let program = steps.step("Schemathesis", || installed(cargo.root(), &place, interrupts))?;
    let binary = steps.step("server", || cargo.build_server(interrupts, Profile::Debug))?;
    let folder = tempfile::Builder::new()
        .prefix("ratchet-schemathesis-")
        .tempdir()
        .map_err(Error::TemporaryDirectory)?;
    let port = free_port()?;
    let token = token(&binary, folder.path(), interrupts)?;
    let mut server = serve(&binary, folder.path(), port)?;
    server.until(interrupts, START_LIMIT, || Ok(is_ready(port)))?;
    let report = place.join("report.json");
    let outcome = steps.step("requests", || {
        let mut command = Command::new(&program);
        command
            .current_dir(folder.path())
            .env("RATCHET_TOKEN", token)
            .env("SCHEMATHESIS_HOOKS", cargo.root().join(FOLDER).join("hooks.py"))
            .arg("--config-file")
            .arg(cargo.root().join(FOLDER).join("schemathesis.toml"))
            .arg("run")
            .arg(format!("http://127.0.0.1:{port}/api-docs/openapi.json"))
            .args(["--checks", "all", "--continue-on-failure", "--report", "json"])
            .arg("--report-json-path")
            .arg(&report)
            .args(["--max-examples", &options.examples.to_string()])
            .args(["--seed", &options.seed.to_string()])
            .args(&options.arguments);
        interrupts.run(&mut command)
    });
    if outcome.is_err() {
        eprintln!("the server's log:\n{}", last_lines(&server.log(), 40));
    }
    outcome?;
    steps.step("report", || check(&report, options))
}

/// The program, in an environment of its own below the target folder.
fn installed(root: &Path, place: &Path, interrupts: &Interrupts) -> Result<PathBuf, Error> {
    let wanted = root.join(FOLDER).join("requirements.txt");
    let environment = place.join("environment");
    let stamp = environment.join("requirements.txt");
    let program = environment.join("bin").join("schemathesis");
    let wanted_text = read(&wanted)?;
    if fs::read_to_string(&stamp).is_ok_and(|have| have == wanted_text) {
        return Ok(program);
    }
    let python = python(interrupts)?;
    interrupts.run(
        Command::new(python)
            .args(["-m", "venv", "--clear"])
            .arg(&environment),
    )?;
    interrupts.run(
        Command::new(environment.join("bin").join("python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(&wanted),
    )?;
    fs::copy(&wanted, &stamp).map_err(|source| Error::File {
        doing: "write",
        path: stamp,
        source,
    })?;
    Ok(program)
}

/// A Python that can make environments; on Debian as root, what it lacks for that is installed.
fn python(interrupts: &Interrupts) -> Result<&'static str, Error> {
    const PYTHON: &str = "python3";
    if can_make_environments(PYTHON) {
        return Ok(PYTHON);
    }
    if debian::can_install() {
        debian::update(interrupts)?;
        debian::install(interrupts, "python3-venv")?;
        if can_make_environments(PYTHON) {
            return Ok(PYTHON);
        }
    }
    Err(Error::PythonMissing)
}

fn can_make_environments(python: &str) -> bool {
    let test = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    let status = Command::new(python)
        .args(["-c", test])
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// A token that may do everything, so that a request without it must be refused.
fn token(binary: &Path, folder: &Path, interrupts: &Interrupts) -> Result<String, Error> {
    let command = |arguments: &[&str]| {
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .current_dir(folder)
            .env("RATCHET_DATABASE_URL", DATABASE);
        command
    };
    interrupts.run(command(&["migrate", "up"]).stdout(Stdio::null()))?;
    let made = interrupts.run_and_read(&mut command(&[
        "token",
        "create",
        "schemathesis",
        "--scope",
        "admin",
    ]))?;
    let text = String::from_utf8_lossy(&made);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn serve(binary: &Path, folder: &Path, port: u16) -> Result<Daemon, Error> {
    let mut command = dying_with_us(binary, "KILL");
    command
        .arg("serve")
        .current_dir(folder)
        .env("RATCHET_SERVER_BIND", format!("127.0.0.1:{port}"))
        .env("RATCHET_DATABASE_URL", DATABASE)
        .env("RATCHET_LOG_LEVEL", "warn");
    Daemon::start("ratchet", command, folder.join("log"), Signal::TERM)
}

/// Whether the server says so.
fn is_ready(port: u16) -> bool {
    fn ask(port: u16) -> io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET /ready HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.split_whitespace().nth(1) == Some("200"))
    }
    // It does not listen yet.
    ask(port).unwrap_or(false)
}

fn check(report: &Path, options: &Options) -> Result<(), Error> {
    let report: Report = serde_json::from_str(&read(report)?).map_err(|error| Error::Output {
        program: "schemathesis".to_owned(),
        source: error.into(),
    })?;
    let (Operations { selected, tested }, TestCases { generated }) = (report.operations, report.test_cases);
    eprintln!("{generated} requests to {tested} of {selected} operations");
    if tested < selected {
        return Err(Error::OperationsLeftOut {
            left_out: selected - tested,
            all: selected,
        });
    }
    if generated < options.at_least {
        return Err(Error::FewRequests {
            sent: generated,
            wanted: options.at_least,
        });
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::File {
        doing: "read",
        path: path.to_path_buf(),
        source,
    })
}

fn last_lines(text: &str, most: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(most)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(selected: u64, tested: u64, generated: u64) -> Result<(), Error> {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("report.json");
        let text = format!(
            r#"{{"operations": {{"selected": {selected}, "tested": {tested}, "total": 9}},
                "test_cases": {{"generated": {generated}, "errored": 0}}}}"#
        );
        fs::write(&report, text).unwrap();
        let options = Options {
            examples: 1,
            at_least: 5_000,
            seed: 1,
            arguments: Vec::new(),
        };
        check(&report, &options)
    }

    #[test]
    fn a_run_that_left_something_out_is_no_success() {
        assert!(checked(7, 7, 5_000).is_ok());
        assert!(matches!(
            checked(7, 7, 4_999),
            Err(Error::FewRequests { sent: 4_999, .. })
        ));
        assert!(matches!(
            checked(7, 5, 9_000),
            Err(Error::OperationsLeftOut { left_out: 2, .. })
        ));
    }

    #[test]
    fn of_a_long_log_the_end_is_shown() {
        assert_eq!(last_lines("a\nb\nc", 2), "b\nc");
        assert_eq!(last_lines("a", 2), "a");
    }
}
