use std::io;
use std::process::Stdio;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, Command};

/// A process group for one run, and what keeps it.
///
/// A small shell, the *keeper*, leads the group. It waits until the pipe to it is closed, which the system does however
/// this process ends, and then kills the group: so no process of a task outlives a server that was killed. (What a
/// parent's death does to a child can be said on Linux only by the child itself, before it becomes another program,
/// and that takes `unsafe`.) It also keeps the group's number from being given to others until the group is ended here,
/// so that no signal can hit a stranger.
pub(super) struct ProcessGroup {
    /// Not yet reaped, dead or alive: its number stays taken.
    keeper: Child,
    id: Pid,
    /// Closed by the system when this process dies.
    _lifeline: ChildStdin,
}

impl ProcessGroup {
    const SHELL: &str = "/bin/sh";
    /// A stop (SIGTERM) is meant for the run's processes; the keeper outlives them.
    const KEEPER: &str = "trap '' HUP INT TERM; read -r line; kill -KILL 0";

    /// A new group, whose only member is its keeper.
    pub(super) fn open() -> io::Result<Self> {
        let mut keeper = Command::new(Self::SHELL)
            .args(["-c", Self::KEEPER])
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let id = keeper.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        match (id, keeper.stdin.take()) {
            (Some(id), Some(lifeline)) => Ok(Self {
                keeper,
                id,
                _lifeline: lifeline,
            }),
            _ => Err(io::Error::other("the keeper of the process group ended at once")),
        }
    }

    /// The number by which a process joins the group.
    pub(super) fn id(&self) -> i32 {
        self.id.as_raw_nonzero().get()
    }

    /// Sends a signal to every process of the group.
    pub(super) fn signal(&self, signal: Signal) {
        match kill_process_group(self.id, signal) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => {
                tracing::warn!(group = self.id(), ?signal, %error, "a process group cannot be signalled");
            }
        }
    }

    /// Kills what is left of the group.
    pub(super) async fn end(mut self) {
        self.signal(Signal::KILL);
        if let Err(error) = self.keeper.wait().await {
            tracing::warn!(group = self.id(), %error, "the keeper of a process group cannot be waited for");
        }
    }
}

impl Drop for ProcessGroup {
    /// The run was broken off. `tokio` reaps the keeper. After [`ProcessGroup::end`], which reaped it, the number may be
    /// another's.
    fn drop(&mut self) {
        if self.keeper.id().is_some() {
            self.signal(Signal::KILL);
        }
    }
}
