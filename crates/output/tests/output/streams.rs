//! What arrives on a stream, and what is told when nothing does.

use std::error::Error;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use ratchet_interfaces::{
    Delivery, DeliveryError, OutputDelivery, OutputDestination, OutputFormat, OutputTarget, StdioOptions,
    StdioStream,
};
use ratchet_output::OutputDeliveryManager;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::world;

/// Remembers each write and each flush by itself.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    fn calls(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        self.0.lock().unwrap().push(text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().push("flush".to_owned());
        Ok(())
    }
}

fn delivery(stream: StdioStream, prefix: Option<&str>, output: Value) -> Arc<Delivery> {
    let stdio = StdioOptions {
        stream,
        format: OutputFormat::Json,
        include_metadata: false,
        prefix: prefix.map(str::to_owned),
    };
    world::delivery(OutputDestination::of(OutputTarget::Stdio { stdio }), output)
}

fn with_streams(
    stdout: impl Write + Send + 'static,
    stderr: impl Write + Send + 'static,
) -> OutputDeliveryManager {
    OutputDeliveryManager::with_streams(world::parts("unused"), stdout, stderr).unwrap()
}

#[tokio::test]
async fn a_result_is_one_whole_line_in_one_write_on_its_own_stream() {
    let (out, err) = (Recorder::default(), Recorder::default());
    let output = with_streams(out.clone(), err.clone());
    let first = delivery(StdioStream::Stdout, None, json!({"a": "b\nc"}));
    let second = delivery(StdioStream::Stderr, Some("[X] "), json!("text"));
    output.deliver(&first).await.unwrap();
    output.deliver(&second).await.unwrap();
    assert_eq!(out.calls(), ["{\"a\":\"b\\nc\"}\n", "flush"]);
    assert_eq!(err.calls(), ["[X] \"text\"\n", "flush"]);
}

#[tokio::test]
async fn results_delivered_at_once_never_mix_in_a_line() {
    let out = Recorder::default();
    let output = with_streams(out.clone(), io::sink());
    let output = Arc::new(output);
    let mut under_way = tokio::task::JoinSet::new();
    for n in 0..500 {
        let output = output.clone();
        under_way.spawn(async move {
            let delivery = delivery(StdioStream::Stdout, None, json!(n));
            output.deliver(&delivery).await
        });
    }
    while let Some(delivered) = under_way.join_next().await {
        delivered.unwrap().unwrap();
    }
    let mut lines: Vec<u32> = out
        .calls()
        .iter()
        .filter(|call| *call != "flush")
        .map(|line| line.trim_end().parse().unwrap())
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, (0..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_broken_pipe_is_told_and_the_next_result_is_tried_all_the_same() {
    /// Breaks at the first write and is whole again after it.
    struct BreaksOnce(bool);
    impl Write for BreaksOnce {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                Ok(bytes.len())
            } else {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let output = with_streams(BreaksOnce(false), io::sink());
    let delivery = delivery(StdioStream::Stdout, None, json!(1));
    let error = output.deliver(&delivery).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the result could not be written to standard output"
    );
    let DeliveryError::Write { source, .. } = error else {
        panic!("not a write error: {error}");
    };
    assert_eq!(source.kind(), io::ErrorKind::BrokenPipe);
    output.deliver(&delivery).await.unwrap();
}

/// A stream whose reader takes a line only when the test says so.
struct Stalled {
    entered: UnboundedSender<()>,
    release: Receiver<()>,
    lines: Recorder,
}

impl Write for Stalled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.entered.send(()).map_err(io::Error::other)?;
        self.release.recv().map_err(io::Error::other)?;
        self.lines.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_stream_that_nobody_reads_blocks_neither_the_runtime_nor_the_other_stream() {
    let (entered, mut has_entered) = unbounded_channel();
    let (let_go, release) = channel();
    let lines = Recorder::default();
    let stalled = Stalled {
        entered,
        release,
        lines: lines.clone(),
    };
    let output = Arc::new(with_streams(stalled, io::sink()));
    let deliver = |n: u32| {
        let output = output.clone();
        tokio::spawn(async move {
            let delivery = delivery(StdioStream::Stdout, None, json!(n));
            output.deliver(&delivery).await
        })
    };
    // This test has one thread: that it goes on says that the write holds up another.
    let (first, given_up, third) = (deliver(1), deliver(2), deliver(3));
    let other = delivery(StdioStream::Stderr, None, json!(4));
    output.deliver(&other).await.unwrap();
    // Awaited and not blocked upon: the line on the other stream may be out before the three have even begun.
    has_entered.recv().await.unwrap();
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    let_go.send(()).unwrap();
    let_go.send(()).unwrap();
    first.await.unwrap().unwrap();
    third.await.unwrap().unwrap();
    // The line of the delivery that was broken off in the queue was never written.
    assert_eq!(lines.calls(), ["1\n", "3\n"]);
}

#[tokio::test]
async fn a_stream_whose_thread_is_gone_is_an_error() {
    struct Panics;
    impl Write for Panics {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("out of ink");
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let output = with_streams(io::sink(), Panics);
    let delivery = delivery(StdioStream::Stderr, None, json!(1));
    for _ in 0..2 {
        let error = output.deliver(&delivery).await.unwrap_err();
        assert_eq!(
            error.source().unwrap().to_string(),
            "the thread that writes to the stream has ended"
        );
    }
}
