use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use ratchet_interfaces::{Clock, LogLevel, StopToken, TaskError, TaskErrorKind, TaskRequest};
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};

use super::LINGER;
use super::capture::{Capture, LastLine};
use super::definition::ProcessDefinition;
use super::exit;
use super::group::ProcessGroup;
use super::invocation::Invocation;
use super::memory::limit_memory;
use super::run_log::{RunLog, StreamLog};

/// The most bytes of standard error's last line in the error of a failed run.
const MAX_COMPLAINT: usize = 500;
/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// What a run is bounded by.
pub(super) struct Bounds<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) stop_grace: Duration,
    pub(super) max_output: usize,
}

/// How a process's time ended.
enum End {
    Exited(ExitStatus),
    /// It was told to stop. If it did not, it was killed.
    Stopped(Option<ExitStatus>),
    Failed(TaskError),
}

/// Runs a process to its end, and ends whatever else it has started in its group. Dropping the future kills them all.
pub(super) async fn run(
    bounds: &Bounds<'_>,
    definition: &ProcessDefinition,
    invocation: &mut Invocation,
    request: &TaskRequest,
) -> Result<Value, TaskError> {
    let group = ProcessGroup::open().map_err(|error| broken("its process group cannot be made", &error))?;
    let input = invocation.stdin.take();
    let mut child = invocation
        .command()
        .process_group(group.id())
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| invocation.refusal(&error))?;
    if let Some(bytes) = request.limits.memory_bytes {
        limit_memory(&child, bytes).map_err(|error| broken("its memory cannot be limited", &error))?;
    }

    let log = RunLog::new(request.monitor.clone());
    let mut capture = Capture::new(definition.output, bounds.max_output);
    let mut complaint = LastLine::new(MAX_COMPLAINT);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let end = {
        let mut feeding = pin!(feed(stdin, input, &log).fuse());
        let reading = async {
            let printed = |chunk: &[u8]| capture.push(chunk);
            let complained = |chunk: &[u8]| {
                complaint.push(chunk);
                Ok(())
            };
            tokio::try_join!(
                read(stdout, log.stream(LogLevel::Info), printed),
                read(stderr, log.stream(LogLevel::Warn), complained),
            )
        };
        let mut reading = pin!(reading.fuse());
        let mut ending = pin!(ending(&mut child, &group, bounds, &request.stop));
        let end = loop {
            tokio::select! {
                biased;
                end = &mut ending => break end,
                read = &mut reading => if let Err(failure) = read {
                    break End::Failed(failure);
                },
                () = &mut feeding => {}
            }
        };
        drain(end, reading, &group, bounds, &log).await
    };
    group.end().await;
    child
        .wait()
        .await
        .map_err(|error| broken("it cannot be waited for", &error))?;
    match end {
        End::Exited(status) => {
            let complaint = complaint.take().map(|line| line.text());
            if let Some(failure) = exit::failure(definition, status, complaint.as_deref()) {
                return Err(failure);
            }
            if !status.success() {
                log.note(LogLevel::Info, &exit::described(status));
            }
            capture.value()
        }
        End::Stopped(Some(status)) => {
            let told = format!("it was told to stop (SIGTERM): {}", exit::described(status));
            Err(TaskError::failed(told))
        }
        End::Stopped(None) => {
            let told =
                "it was told to stop (SIGTERM), did not within process.stop_grace_seconds, and was killed";
            Err(TaskError::failed(told))
        }
        End::Failed(failure) => Err(failure),
    }
}

/// Waits for the process's end, which comes in any case some time after it was told to stop.
///
/// What it exits with after that says nothing of its work: many programs end with 0 when they are told to.
async fn ending(child: &mut Child, group: &ProcessGroup, bounds: &Bounds<'_>, stop: &StopToken) -> End {
    let failed = |error: io::Error| End::Failed(broken("it cannot be waited for", &error));
    tokio::select! {
        biased;
        exited = child.wait() => return exited.map_or_else(failed, End::Exited),
        () = stop.stopped() => {}
    }
    group.signal(Signal::TERM);
    tokio::select! {
        biased;
        exited = child.wait() => exited.map_or_else(failed, |status| End::Stopped(Some(status))),
        () = bounds.clock.sleep(bounds.stop_grace) => End::Stopped(None),
    }
}

/// Reads what is still to be read, and kills the group. The process has ended or must, but another one may hold its
/// output open: in the group, where it is killed, or out of it, where it is left alone.
async fn drain<R>(end: End, mut reading: R, group: &ProcessGroup, bounds: &Bounds<'_>, log: &RunLog) -> End
where
    R: FusedFuture<Output = Result<((), ()), TaskError>> + Unpin,
{
    let must_end = match &end {
        End::Exited(_) | End::Stopped(Some(_)) => false,
        End::Stopped(None) => true,
        End::Failed(_) => return end,
    };
    for kills in [false, true] {
        if kills {
            group.signal(Signal::KILL);
        } else if must_end {
            continue;
        }
        if reading.is_terminated() {
            continue;
        }
        tokio::select! {
            biased;
            read = &mut reading => if let Err(failure) = read {
                return End::Failed(failure);
            },
            () = bounds.clock.sleep(LINGER) => if kills {
                log.note(LogLevel::Warn, "a process that left the process group still holds the output open");
            } else {
                log.note(LogLevel::Warn, "the process ended and left others running, which are killed");
            },
        }
    }
    end
}

/// Gives a process its input. It need not read it.
async fn feed(stdin: Option<ChildStdin>, input: Option<Vec<u8>>, log: &RunLog) {
    let (Some(mut stdin), Some(input)) = (stdin, input) else {
        return;
    };
    match stdin.write_all(&input).await {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => log.note(LogLevel::Warn, &format!("its input cannot be written: {error}")),
    }
}

/// Reads a stream to its end, into the log and to whoever takes it.
async fn read(
    stream: Option<impl AsyncRead + Unpin>,
    mut log: StreamLog<'_>,
    mut take: impl FnMut(&[u8]) -> Result<(), TaskError>,
) -> Result<(), TaskError> {
    let Some(mut stream) = stream else {
        return Ok(());
    };
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = stream
            .read(&mut chunk)
            .await
            .map_err(|error| broken("its output cannot be read", &error))?;
        if length == 0 {
            log.finish();
            return Ok(());
        }
        log.push(&chunk[..length]);
        take(&chunk[..length])?;
    }
}

/// A failure that is this server's or the system's.
fn broken(what: &str, error: &io::Error) -> TaskError {
    TaskError::of(TaskErrorKind::Panic, format!("{what}: {error}"))
}
