use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian;
use crate::error::Error;
use crate::interrupts::Interrupts;
use crate::places;

/// The oldest LLVM whose tools read what the compiler writes: raw profiles of version 10, coverage maps of version 7.
/// Newer compilers may ask for more; then `llvm-profdata` says so.
const MINIMUM: u32 = 19;

/// The programs that turn raw profiles into line counts.
pub(crate) struct LlvmTools {
    directory: PathBuf,
}

impl LlvmTools {
    /// The toolchain's own, else the newest installed; as root on Debian, they are installed if there are none.
    pub(crate) fn find_or_install(interrupts: &Interrupts) -> Result<Self, Error> {
        if let Some(found) = Self::find(interrupts)? {
            return Ok(found);
        }
        let missing = Error::LlvmMissing { minimum: MINIMUM };
        if !debian::can_install() {
            return Err(missing);
        }
        debian::update(interrupts)?;
        let newest = debian::packages(interrupts, "^llvm-[0-9]+$")?
            .iter()
            .filter_map(|package| package.strip_prefix("llvm-")?.parse::<u32>().ok())
            .filter(|version| *version >= MINIMUM)
            .max();
        let Some(newest) = newest else {
            return Err(missing);
        };
        debian::install(interrupts, &format!("llvm-{newest}"))?;
        Self::find(interrupts)?.ok_or(missing)
    }

    fn find(interrupts: &Interrupts) -> Result<Option<Self>, Error> {
        let toolchain = of_the_toolchain(interrupts)?;
        if has_both(&toolchain) {
            return Ok(Some(Self { directory: toolchain }));
        }
        let installed = candidates()
            .into_iter()
            .filter(|directory| has_both(directory))
            .filter_map(|directory| Some((major_version(&directory.join("llvm-cov"))?, directory)))
            .filter(|(version, _)| *version >= MINIMUM)
            .max();
        Ok(installed.map(|(_, directory)| Self { directory }))
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn profdata(&self) -> Command {
        Command::new(self.directory.join("llvm-profdata"))
    }

    pub(crate) fn cov(&self) -> Command {
        Command::new(self.directory.join("llvm-cov"))
    }
}

/// Where the component `llvm-tools` puts its programs.
fn of_the_toolchain(interrupts: &Interrupts) -> Result<PathBuf, Error> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = interrupts.run_and_read(Command::new(rustc).args(["--print", "target-libdir"]))?;
    let libraries = PathBuf::from(String::from_utf8_lossy(&output).trim());
    Ok(libraries.with_file_name("bin"))
}

fn candidates() -> Vec<PathBuf> {
    let elsewhere = places::entries(&[
        ("/usr/lib", "llvm"),
        ("/opt/homebrew/opt", "llvm"),
        ("/usr/local/opt", "llvm"),
    ]);
    let elsewhere = elsewhere.into_iter().map(|directory| directory.join("bin"));
    places::on_path().into_iter().chain(elsewhere).collect()
}

fn has_both(directory: &Path) -> bool {
    ["llvm-profdata", "llvm-cov"]
        .iter()
        .all(|program| fs::metadata(directory.join(program)).is_ok_and(|found| found.is_file()))
}

fn major_version(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    parse_major_version(&String::from_utf8_lossy(&output.stdout))
}

/// Reads `Debian LLVM version 19.1.7` from among other lines.
fn parse_major_version(text: &str) -> Option<u32> {
    let version = text.split_once("LLVM version ")?.1;
    version.split(['.', ' ', '\n']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_among_other_lines() {
        let debian = "Debian LLVM version 19.1.7\n  Optimized build.\n";
        let plain = "LLVM (http://llvm.org/):\n  LLVM version 22.1.2-rust-1.95.0-stable\n";
        assert_eq!(parse_major_version(debian), Some(19));
        assert_eq!(parse_major_version(plain), Some(22));
        assert_eq!(parse_major_version("no version"), None);
    }
}
