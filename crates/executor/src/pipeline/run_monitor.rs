use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratchet_interfaces::{Clock, ExecutionId, ExecutionLogLine, LogLevel, Progress, TaskMonitor};

/// The most lines of one execution's log.
const MAX_LINES: u32 = 10_000;
/// The most bytes of one execution's log.
const MAX_BYTES: usize = 1 << 20;
/// The most bytes of one line.
const MAX_LINE: usize = 16 << 10;

/// Collects what a running task says of itself. What is too much is cut, and the log says so.
pub(super) struct RunMonitor {
    execution_id: ExecutionId,
    clock: Arc<dyn Clock>,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    lines: Vec<ExecutionLogLine>,
    next: u32,
    bytes: usize,
    is_full: bool,
    progress: Option<Progress>,
}

impl RunMonitor {
    pub(super) fn new(execution_id: ExecutionId, clock: Arc<dyn Clock>) -> Self {
        Self {
            execution_id,
            clock,
            said: Mutex::default(),
        }
    }

    /// Takes the lines that were not taken before.
    pub(super) fn take(&self) -> Vec<ExecutionLogLine> {
        std::mem::take(&mut self.said().lines)
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        // It is whole after every statement that changes it.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskMonitor for RunMonitor {
    fn log(&self, level: LogLevel, message: &str) {
        let at = self.clock.now();
        let mut said = self.said();
        if said.is_full {
            return;
        }
        let (level, message) = if said.next + 1 >= MAX_LINES || said.bytes >= MAX_BYTES {
            said.is_full = true;
            (
                LogLevel::Warn,
                "the log is full: nothing more is kept of it".to_owned(),
            )
        } else {
            (level, cut(message))
        };
        said.bytes += message.len();
        let seq = said.next;
        said.next += 1;
        said.lines.push(ExecutionLogLine {
            execution_id: self.execution_id,
            seq,
            at,
            level,
            message,
        });
    }

    fn progress(&self, progress: Progress) {
        self.said().progress = Some(progress);
    }
}

/// A line that is not too long.
fn cut(message: &str) -> String {
    if message.len() <= MAX_LINE {
        return message.to_owned();
    }
    format!(
        "{}… ({} bytes in all)",
        &message[..message.floor_char_boundary(MAX_LINE)],
        message.len()
    )
}
