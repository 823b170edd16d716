use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratchet_interfaces::{Clock, ExecutionId, ExecutionLogLine, LogLevel, Progress, TaskMonitor};
use tokio::sync::mpsc;

/// The most lines of one execution's log.
const MAX_LINES: u32 = 10_000;
/// The most bytes of one execution's log.
const MAX_BYTES: usize = 1 << 20;
/// The most bytes of one line.
const MAX_LINE: usize = 16 << 10;

/// Collects what a running task says of itself. What is too much is cut, and the log says so.
///
/// Most tasks are over before anybody could read what they say: it goes with their outcome. That of a task that runs for
/// longer is written as it comes.
pub(super) struct RunMonitor {
    execution_id: ExecutionId,
    clock: Arc<dyn Clock>,
    /// To whom it gives itself when there is something to write.
    teller: mpsc::UnboundedSender<Arc<Self>>,
    said: Mutex<Collected>,
}

#[derive(Default)]
struct Collected {
    new: Said,
    next: u32,
    bytes: usize,
    is_full: bool,
    /// Whether what is said is written as it comes.
    is_followed: bool,
    /// Whether the teller has been told that there is something to write.
    is_announced: bool,
}

/// What a task said that nobody has taken yet.
#[derive(Default)]
pub(super) struct Said {
    pub(super) lines: Vec<ExecutionLogLine>,
    pub(super) progress: Option<Progress>,
}

impl RunMonitor {
    pub(super) fn new(
        execution_id: ExecutionId,
        clock: Arc<dyn Clock>,
        teller: mpsc::UnboundedSender<Arc<Self>>,
    ) -> Self {
        Self {
            execution_id,
            clock,
            teller,
            said: Mutex::default(),
        }
    }

    pub(super) fn execution_id(&self) -> ExecutionId {
        self.execution_id
    }

    /// From now on, what is said is written as it comes.
    pub(super) fn follow(self: &Arc<Self>) {
        let mut said = self.said();
        said.is_followed = true;
        self.announce(&mut said);
    }

    /// Takes what was not taken before.
    pub(super) fn take_said(&self) -> Said {
        let mut said = self.said();
        said.is_announced = false;
        std::mem::take(&mut said.new)
    }

    fn announce(self: &Arc<Self>, said: &mut Collected) {
        let is_news = !said.new.lines.is_empty() || said.new.progress.is_some();
        if said.is_followed && is_news && !said.is_announced {
            // Where the teller is gone, the outcome takes it.
            said.is_announced = self.teller.send(Arc::clone(self)).is_ok();
        }
    }

    fn said(&self) -> MutexGuard<'_, Collected> {
        // It is whole after every statement that changes it.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, said: &mut Collected, level: LogLevel, message: &str) {
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
        said.new.lines.push(ExecutionLogLine {
            execution_id: self.execution_id,
            seq,
            at: self.clock.now(),
            level,
            message,
        });
    }
}

/// What a task sees of its monitor.
pub(super) struct Listener(pub(super) Arc<RunMonitor>);

impl TaskMonitor for Listener {
    fn log(&self, level: LogLevel, message: &str) {
        let mut said = self.0.said();
        if !said.is_full {
            self.0.add(&mut said, level, message);
            self.0.announce(&mut said);
        }
    }

    fn progress(&self, progress: Progress) {
        let mut said = self.0.said();
        said.new.progress = Some(progress);
        self.0.announce(&mut said);
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

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ratchet_interfaces::ManualClock;

    use super::*;

    fn monitor() -> (Arc<RunMonitor>, mpsc::UnboundedReceiver<Arc<RunMonitor>>) {
        let (teller, told) = mpsc::unbounded_channel();
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        (Arc::new(RunMonitor::new(ExecutionId::new(), clock, teller)), told)
    }

    #[test]
    fn what_is_said_is_announced_once_until_it_is_taken_and_only_when_it_is_followed() {
        let (monitor, mut told) = monitor();
        let listener = Listener(Arc::clone(&monitor));
        listener.log(LogLevel::Info, "one");
        assert!(told.try_recv().is_err());
        monitor.follow();
        listener.log(LogLevel::Info, "two");
        listener.progress(Progress {
            percent: 50.0,
            message: None,
        });
        assert!(told.try_recv().is_ok());
        assert!(told.try_recv().is_err());
        let said = monitor.take_said();
        assert_eq!((said.lines.len(), said.progress.unwrap().percent), (2, 50.0));
        listener.log(LogLevel::Info, "three");
        assert!(told.try_recv().is_ok());
        assert_eq!(monitor.take_said().lines[0].seq, 2);
    }

    #[test]
    fn a_log_that_is_too_long_is_cut_and_says_so() {
        let (monitor, _told) = monitor();
        let listener = Listener(Arc::clone(&monitor));
        for _ in 0..MAX_LINES + 10 {
            listener.log(LogLevel::Debug, "x");
        }
        let lines = monitor.take_said().lines;
        assert_eq!(lines.len(), MAX_LINES as usize);
        assert!(lines.last().unwrap().message.contains("the log is full"));
        assert!(cut(&"ä".repeat(MAX_LINE)).ends_with("(32768 bytes in all)"));
    }
}
