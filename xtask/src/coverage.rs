use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::cargo::Cargo;
use crate::error::Error;
use crate::interrupts::Interrupts;
use crate::lcov::{LineCounts, Tally};
use crate::llvm::LlvmTools;
use crate::steps::Steps;
use crate::test;

/// Packages that do not ship.
const NOT_COUNTED: [&str; 3] = ["ratchet-tests", "ratchet-bench", "xtask"];

/// Wraps the compiler for the workspace's own crates only: dependencies are neither instrumented nor built again.
///
/// The relocated counters make `%c` possible (see [`Place::profiles`]).
const COMPILER: &str =
    "#!/bin/sh\nexec \"$@\" -C instrument-coverage -C llvm-args=-runtime-counter-relocation\n";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Fail if less than this part of all lines is reached, in per cent
    #[arg(long, value_name = "PERCENT")]
    fail_under: Option<f64>,
    /// Tell of each file too
    #[arg(long)]
    files: bool,
    #[command(flatten)]
    tests: test::Options,
}

pub(crate) fn run(cargo: &Cargo, options: &Options) -> Result<(), Error> {
    let interrupts = Interrupts::listen()?;
    let mut steps = Steps::default();
    let outcome = all_steps(cargo, options, &interrupts, &mut steps);
    eprintln!("xtask coverage: {steps}");
    outcome
}

fn all_steps(
    cargo: &Cargo,
    options: &Options,
    interrupts: &Interrupts,
    steps: &mut Steps,
) -> Result<(), Error> {
    let tools = steps.step("LLVM", || LlvmTools::find_or_install(interrupts))?;
    eprintln!(
        "profiles are read by the tools in {}",
        tools.directory().display()
    );
    let place = Place::prepare(cargo.target_directory())?;
    let cargo = &place.instrumenting(cargo);

    let environment = test::Environment::prepare(cargo, &options.tests, interrupts, steps)?;
    let test_arguments = options.tests.cargo_arguments();
    let mut objects = steps.step("build", || {
        // `--tests` leaves out doctests: the stable rustdoc does not keep the programs that it builds.
        let mut arguments = vec!["test", "--tests", "--no-run"];
        arguments.extend(test_arguments.iter().take_while(|argument| **argument != "--"));
        cargo.build(interrupts, arguments)
    })?;
    objects.extend(environment.server().map(Path::to_path_buf));
    steps.step("tests", || {
        let mut command = cargo.command(["test", "--tests", "--no-fail-fast"]);
        command.args(&test_arguments);
        interrupts.run(environment.apply(&mut command))
    })?;
    drop(environment);

    let counts = steps.step("report", || place.line_counts(&tools, interrupts, &objects))?;
    let covered = print_table(cargo, &counts, options.files)?;
    match options.fail_under {
        Some(wanted) if covered < wanted => Err(Error::CoverageTooLow { covered, wanted }),
        _ => Ok(()),
    }
}

/// The directory that holds the compiler's wrapper and the profiles.
struct Place {
    directory: PathBuf,
}

impl Place {
    fn prepare(target_directory: &Path) -> Result<Self, Error> {
        let place = Self {
            directory: target_directory.join("coverage"),
        };
        let file = |doing, path: PathBuf| move |source| Error::File { doing, path, source };
        let raw = place.raw();
        match fs::remove_dir_all(&raw) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(file("remove", raw)(source));
            }
            _ => {}
        }
        fs::create_dir_all(&raw).map_err(file("create", raw))?;
        let compiler = place.compiler();
        fs::write(&compiler, COMPILER)
            .and_then(|()| fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755)))
            .map_err(file("write", compiler))?;
        Ok(place)
    }

    fn raw(&self) -> PathBuf {
        self.directory.join("raw")
    }

    fn compiler(&self) -> PathBuf {
        self.directory.join("instrumenting-compiler")
    }

    /// The name pattern of raw profiles: one file a program (`%m`), kept up to date while it runs (`%c`), so that a
    /// server killed by a test counts too, and a thousand of them leave one file.
    fn profiles(&self) -> PathBuf {
        self.raw().join("%m%c.profraw")
    }

    fn instrumenting(&self, cargo: &Cargo) -> Cargo {
        cargo
            .clone()
            .with_environment("RUSTC_WORKSPACE_WRAPPER", self.compiler())
            .with_environment("LLVM_PROFILE_FILE", self.profiles())
    }

    fn line_counts(
        &self,
        tools: &LlvmTools,
        interrupts: &Interrupts,
        objects: &[PathBuf],
    ) -> Result<LineCounts, Error> {
        let merged = self.directory.join("merged.profdata");
        let mut profdata = tools.profdata();
        profdata
            .args(["merge", "-sparse", "-o"])
            .arg(&merged)
            .arg(self.raw());
        interrupts.run(&mut profdata)?;

        let mut instr_profile = OsString::from("-instr-profile=");
        instr_profile.push(&merged);
        let mut cov = tools.cov();
        cov.args(["export", "-format=lcov"]).arg(instr_profile);
        for object in objects {
            cov.arg("-object").arg(object);
        }
        let output = interrupts.run_and_read(&mut cov)?;
        LineCounts::parse(&String::from_utf8_lossy(&output)).ok_or_else(|| Error::Output {
            program: "llvm-cov".to_owned(),
            source: io::ErrorKind::InvalidData.into(),
        })
    }
}

/// Prints a line a package, and one for all of them, whose percentage it returns.
fn print_table(cargo: &Cargo, counts: &LineCounts, with_files: bool) -> Result<f64, Error> {
    let mut table: BTreeMap<&str, BTreeMap<PathBuf, Tally>> = BTreeMap::new();
    for package in cargo.metadata().workspace_packages() {
        let directory = package.manifest_path.with_file_name("src");
        if NOT_COUNTED.contains(&package.name.as_str()) {
            continue;
        }
        for file in counts.files().filter(|file| file.starts_with(&directory)) {
            let source = fs::read_to_string(file).map_err(|source| Error::File {
                doing: "read",
                path: file.to_path_buf(),
                source,
            })?;
            let name = file.strip_prefix(cargo.root()).unwrap_or(file).to_path_buf();
            let tallies = table.entry(package.name.as_str()).or_default();
            tallies.insert(name, counts.tally(file, &source));
        }
    }
    println!("{:60} {:>8} {:>8} {:>7}", "package", "lines", "reached", "%");
    let mut all = Tally::default();
    for (package, files) in &table {
        let mut tally = Tally::default();
        files.values().for_each(|file| tally.add(*file));
        all.add(tally);
        print_row(package, tally);
        if with_files {
            for (file, tally) in files {
                print_row(&format!("  {}", file.display()), *tally);
            }
        }
    }
    print_row("all", all);
    Ok(all.percent())
}

fn print_row(name: &str, tally: Tally) {
    println!(
        "{name:60} {:>8} {:>8} {:>7.1}",
        tally.lines,
        tally.reached,
        tally.percent()
    );
}
