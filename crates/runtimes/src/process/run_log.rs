use std::sync::{Arc, Mutex, PoisonError};

use ratchet_interfaces::{LogLevel, TaskMonitor};

/// The most bytes of what one run prints that go to its log.
const MAX_BYTES: usize = 1 << 20;
/// The most bytes of one line.
const MAX_LINE: usize = 16 << 10;

/// Takes what a process prints to the log of its run, of both streams together no more than the log holds.
pub(super) struct RunLog {
    monitor: Arc<dyn TaskMonitor>,
    left: Mutex<usize>,
}

/// One stream of a process, cut into lines.
pub(super) struct StreamLog<'a> {
    log: &'a RunLog,
    level: LogLevel,
    line: Vec<u8>,
    /// How much of the line was too much.
    cut: usize,
}

impl RunLog {
    pub(super) fn new(monitor: Arc<dyn TaskMonitor>) -> Self {
        Self {
            monitor,
            left: Mutex::new(MAX_BYTES),
        }
    }

    pub(super) const fn stream(&self, level: LogLevel) -> StreamLog<'_> {
        StreamLog {
            log: self,
            level,
            line: Vec::new(),
            cut: 0,
        }
    }

    /// What the runtime itself has to say.
    pub(super) fn note(&self, level: LogLevel, message: &str) {
        self.monitor.log(level, message);
    }

    fn is_full(&self) -> bool {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) == 0
    }

    fn add(&self, level: LogLevel, message: &str) {
        let is_full = {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            if *left == 0 {
                return;
            }
            // An empty line takes room as well.
            *left = left.saturating_sub(message.len() + 1);
            *left == 0
        };
        self.monitor.log(level, message);
        if is_full {
            let told = format!("the process has printed {MAX_BYTES} bytes: the rest is not kept");
            self.note(LogLevel::Warn, &told);
        }
    }
}

impl StreamLog<'_> {
    pub(super) fn push(&mut self, chunk: &[u8]) {
        if self.log.is_full() {
            return;
        }
        let mut pieces = chunk.split(|byte| *byte == b'\n');
        if let Some(first) = pieces.next() {
            self.extend(first);
        }
        for piece in pieces {
            self.end_line();
            self.extend(piece);
        }
    }

    /// What came after the last line break is a line, too.
    pub(super) fn finish(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }

    fn extend(&mut self, piece: &[u8]) {
        let room = MAX_LINE - self.line.len();
        let (kept, rest) = piece.split_at(room.min(piece.len()));
        self.line.extend_from_slice(kept);
        self.cut += rest.len();
    }

    fn end_line(&mut self) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let mut text = String::from_utf8_lossy(line).replace('\0', "\u{fffd}");
        if self.cut > 0 {
            text.push_str(&format!("… ({} bytes in all)", self.line.len() + self.cut));
        }
        self.log.add(self.level, &text);
        self.line.clear();
        self.cut = 0;
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::Progress;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<(LogLevel, String)>>);

    impl TaskMonitor for Kept {
        fn log(&self, level: LogLevel, message: &str) {
            self.0.lock().unwrap().push((level, message.to_owned()));
        }

        fn progress(&self, _: Progress) {}
    }

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let kept = Arc::new(Kept::default());
        let log = RunLog::new(kept.clone());
        let mut stream = log.stream(LogLevel::Info);
        for chunk in chunks {
            stream.push(chunk);
        }
        stream.finish();
        let lines = kept.0.lock().unwrap().clone();
        lines.into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn lines_are_found_wherever_the_chunks_end() {
        assert_eq!(
            lines(&[b"a\nb", b"c", b"\n", b"\nd\r\ne"]),
            ["a", "bc", "", "d", "e"]
        );
        assert!(lines(&[b""]).is_empty());
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        assert_eq!(lines(&[b"a\xff\0b\n"]), ["a\u{fffd}\u{fffd}b"]);
    }

    #[test]
    fn a_line_without_end_is_cut_and_takes_no_memory() {
        let chunk = [b'x'; 64 << 10];
        let kept = Arc::new(Kept::default());
        let log = RunLog::new(kept.clone());
        let mut stream = log.stream(LogLevel::Info);
        for _ in 0..1_000 {
            stream.push(&chunk);
            assert!(stream.line.capacity() <= 2 * MAX_LINE);
        }
        stream.finish();
        let lines = kept.0.lock().unwrap();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].1.ends_with("x… (65536000 bytes in all)"));
    }

    #[test]
    fn what_is_too_much_for_the_log_is_dropped_and_the_log_says_so() {
        let chunk = b"0123456789\n".repeat(1_000);
        let chunks = vec![chunk.as_slice(); 1_000];
        let lines = lines(&chunks);
        let bytes: usize = lines.iter().map(String::len).sum();
        assert!(bytes <= MAX_BYTES + 100, "{bytes}");
        assert_eq!(
            lines.last().unwrap(),
            "the process has printed 1048576 bytes: the rest is not kept"
        );
    }
}
