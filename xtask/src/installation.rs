use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian;
use crate::error::Error;
use crate::interrupts::Interrupts;
use crate::places;

/// The oldest PostgreSQL that Ratchet runs on.
pub(crate) const MINIMUM: u32 = 15;

/// PostgreSQL's server programs.
#[derive(Debug)]
pub(crate) struct Installation {
    directory: PathBuf,
    major: u32,
}

impl Installation {
    /// The newest usable installation. As root on Debian, one is installed if there is none.
    pub(crate) fn find_or_install(interrupts: &Interrupts) -> Result<Option<Self>, Error> {
        if let Some(found) = Self::find() {
            return Ok(Some(found));
        }
        if !debian::can_install() {
            return Ok(None);
        }
        debian::update(interrupts)?;
        debian::install(interrupts, "postgresql")?;
        Ok(Self::find())
    }

    /// The newest usable installation.
    pub(crate) fn find() -> Option<Self> {
        candidates()
            .into_iter()
            .filter_map(Self::at)
            .filter(|installation| installation.major >= MINIMUM)
            .max_by_key(|installation| installation.major)
    }

    fn at(directory: PathBuf) -> Option<Self> {
        let complete = ["initdb", "pg_isready"]
            .iter()
            .all(|program| directory.join(program).is_file());
        // A program that cannot be run is no installation, whatever the reason.
        let output = Command::new(directory.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        let major = major_version(&String::from_utf8_lossy(&output.stdout))?;
        (complete && output.status.success()).then_some(Self { directory, major })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Directories that may hold PostgreSQL's programs: those on the PATH, behind any link, and the places where
/// distributions put them off the PATH.
fn candidates() -> BTreeSet<PathBuf> {
    let elsewhere = places::entries(&[
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql"),
        ("/usr/local/opt", "postgresql"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql"),
    ]);
    let elsewhere = elsewhere.into_iter().map(|directory| directory.join("bin"));
    places::on_path()
        .into_iter()
        .chain(elsewhere)
        .filter_map(|directory| fs::canonicalize(directory.join("postgres")).ok())
        .filter_map(|program| program.parent().map(Path::to_path_buf))
        .collect()
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_version(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL)")?.1.trim_start();
    let digits = version
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(version.len());
    version[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_whether_released_or_not() {
        let versions = [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1", Some(18)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("postgres (EnterpriseDB) 16", None),
            ("", None),
        ];
        for (text, major) in versions {
            assert_eq!(major_version(text), major, "{text}");
        }
    }
}
