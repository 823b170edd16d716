//! What the system says of files, disks and limits, in the words of each system.

use std::io;
use std::path::Path;

/// Free space of a disk.
pub(super) struct Space {
    pub(super) free_bytes: u64,
    /// How many files can still be made; `None` where that has no limit.
    pub(super) free_files: Option<u64>,
}

#[cfg(unix)]
pub(super) fn may_write(path: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    let wanted = if path.is_dir() {
        Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK
    } else {
        Access::READ_OK | Access::WRITE_OK
    };
    Ok(access(path, wanted)?)
}

#[cfg(unix)]
pub(super) fn may_list(path: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(path, Access::READ_OK | Access::EXEC_OK)?)
}

#[cfg(unix)]
pub(super) fn space(path: &Path) -> io::Result<Option<Space>> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(Some(Space {
        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        free_files: (disk.f_files > 0).then_some(disk.f_favail),
    }))
}

/// How many files this process may have open: now, and when it asks for more. `None` is no limit.
#[cfg(unix)]
pub(super) fn open_files() -> Option<(Option<u64>, Option<u64>)> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    Some((limit.current, limit.maximum))
}

#[cfg(not(unix))]
pub(super) fn may_write(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.permissions().readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn may_list(path: &Path) -> io::Result<()> {
    std::fs::read_dir(path).map(drop)
}

#[cfg(not(unix))]
pub(super) fn space(_: &Path) -> io::Result<Option<Space>> {
    Ok(None)
}

#[cfg(not(unix))]
pub(super) const fn open_files() -> Option<(Option<u64>, Option<u64>)> {
    None
}
