use std::io;

use tokio::process::Child;

/// Limits the address space of a process and of what it starts from now on, each for itself. What runs over it gets no
/// more memory, and mostly gives up.
///
/// The process runs already, for as long as it takes to get here: what it starts in this time has no limit.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn limit_memory(child: &Child, bytes: u64) -> io::Result<()> {
    use rustix::io::Errno;
    use rustix::process::{Pid, Resource, Rlimit, prlimit};

    let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) else {
        return Ok(());
    };
    let limit = Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    match prlimit(Some(pid), Resource::As, limit) {
        // It has ended already.
        Ok(_) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Another process's memory can be limited on Linux only.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn limit_memory(_: &Child, _: u64) -> io::Result<()> {
    Ok(())
}
