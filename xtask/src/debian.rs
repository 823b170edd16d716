use std::path::Path;
use std::process::Command;

use crate::error::Error;
use crate::interrupts::Interrupts;

/// Whether packages can be installed here without asking: Debian or a child of it, as root.
pub(crate) fn can_install() -> bool {
    rustix::process::geteuid().is_root()
        && Path::new("/etc/debian_version").exists()
        && Path::new("/usr/bin/apt-get").exists()
}

/// Installs a package, and nothing that it merely recommends.
pub(crate) fn install(interrupts: &Interrupts, package: &str) -> Result<(), Error> {
    eprintln!("installing Debian's package {package}");
    interrupts.run(&mut apt_get(&[
        "install",
        "--yes",
        "--no-install-recommends",
        package,
    ]))
}

/// Fetches the list of packages.
pub(crate) fn update(interrupts: &Interrupts) -> Result<(), Error> {
    interrupts.run(&mut apt_get(&["update"]))
}

/// The names of the packages that match a regular expression.
pub(crate) fn packages(interrupts: &Interrupts, pattern: &str) -> Result<Vec<String>, Error> {
    let output =
        interrupts.run_and_read(Command::new("apt-cache").args(["search", "--names-only", pattern]))?;
    let text = String::from_utf8_lossy(&output);
    Ok(text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .arg("--quiet")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}
