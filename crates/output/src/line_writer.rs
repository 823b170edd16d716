use std::io::{self, Write};
use std::thread;

use tokio::sync::{mpsc, oneshot};

/// How many lines may wait for a stream that nobody reads.
const QUEUE: usize = 128;

/// A stream that lines are written to, by a thread of its own.
///
/// Standard output blocks for as long as its reader likes. One thread can be blocked without harm: it takes neither a
/// thread from the runtime nor one more for each line, it does not keep the process from ending, and who waits for a
/// line can stop waiting. The thread ends with the last sender.
pub(crate) struct LineWriter {
    lines: mpsc::Sender<Line>,
}

struct Line {
    bytes: Vec<u8>,
    written: oneshot::Sender<io::Result<()>>,
}

impl LineWriter {
    pub(crate) fn start(name: &str, stream: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, queue) = mpsc::channel(QUEUE);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || write_all(queue, stream))?;
        Ok(Self { lines })
    }

    /// Returns when the line has left this process.
    pub(crate) async fn write(&self, bytes: Vec<u8>) -> io::Result<()> {
        let ended = || io::Error::other("the thread that writes to the stream has ended");
        let (written, answer) = oneshot::channel();
        self.lines
            .send(Line { bytes, written })
            .await
            .map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

fn write_all(mut queue: mpsc::Receiver<Line>, mut stream: impl Write) {
    while let Some(Line { bytes, written }) = queue.blocking_recv() {
        // Who no longer waits will try again, and the line would appear twice.
        if written.is_closed() {
            continue;
        }
        let result = stream.write_all(&bytes).and_then(|()| stream.flush());
        match written.send(result) {
            // An error says that the delivery was broken off meanwhile: it stays in the outbox and is repeated.
            Ok(()) | Err(_) => {}
        }
    }
}
