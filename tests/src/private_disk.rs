use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{ServerProcess, ratchet_binary};

/// Mounts the disk, copies the database onto it, and goes there.
const SCRIPT: &str = "set -e
mount -t tmpfs -o size=16m ratchet-test \"$0/disk\"
for file in \"$0\"/ratchet.db*; do if test -e \"$file\"; then cp \"$file\" \"$0/disk\"; fi; done
cd \"$0/disk\"
";

/// A small disk in memory that only one server sees, in a mount namespace of its own. It is gone with the server and
/// with this value.
pub struct PrivateDisk {
    seen_through_the_server: PathBuf,
    /// Keeps the disk when the server has ended.
    directory: File,
}

impl PrivateDisk {
    /// Whether this process may mount such disks; if not, it is told why a test is left out.
    ///
    /// # Panics
    /// When the folder cannot be written to.
    #[must_use]
    pub fn is_permitted(folder: &Path) -> bool {
        fs::create_dir_all(folder.join("disk")).unwrap();
        match command(folder, "exec true").output() {
            Ok(output) if output.status.success() => true,
            Ok(output) => {
                let reason = String::from_utf8_lossy(&output.stderr).into_owned();
                eprintln!("LEFT OUT: no disk can be mounted here: {reason}");
                false
            }
            Err(error) => {
                eprintln!("LEFT OUT: no disk can be mounted here: unshare: {error}");
                false
            }
        }
    }

    /// Starts a server on a disk that has a copy of the folder's `ratchet.db`, if there is one. `prepare` is done by
    /// a shell on the disk before.
    ///
    /// # Panics
    /// When the process cannot be started.
    #[must_use]
    pub fn start(folder: &Path, prepare: &str) -> ServerProcess {
        ServerProcess::spawn(
            command(folder, &format!("{prepare}\nexec \"$@\"")).arg(ratchet_binary()),
            &[],
        )
    }

    /// The disk of a server that runs.
    ///
    /// # Panics
    /// When it does not run, or not on such a disk.
    #[must_use]
    pub fn of(server: &ServerProcess) -> Self {
        let seen_through_the_server = PathBuf::from(format!("/proc/{}/cwd", server.id()));
        Self {
            directory: File::open(&seen_through_the_server).unwrap(),
            seen_through_the_server,
        }
    }

    /// Fills the disk to the last byte.
    ///
    /// # Panics
    /// When anything but the full disk ends the writing.
    pub fn fill(&self) {
        let mut ballast = File::create(self.seen_through_the_server.join("ballast")).unwrap();
        let error = io::copy(&mut io::repeat(1), &mut ballast).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    /// Makes room again.
    ///
    /// # Panics
    /// When there was nothing in the way.
    pub fn make_room(&self) {
        fs::remove_file(self.seen_through_the_server.join("ballast")).unwrap();
    }

    /// Copies the database to where everybody sees it.
    ///
    /// # Panics
    /// When it cannot be copied.
    pub fn save(&self, folder: &Path) {
        let disk = PathBuf::from(format!("/proc/self/fd/{}", self.directory.as_raw_fd()));
        for entry in fs::read_dir(disk).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
    }
}

fn command(folder: &Path, then: &str) -> Command {
    let mut command = Command::new("unshare");
    command.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["sh", "-c", &format!("{SCRIPT}{then}")]).arg(folder);
    command
}
