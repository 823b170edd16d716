use std::io::{self, Write};

use async_trait::async_trait;
use ratchet_interfaces::{
    Delivery, DeliveryError, DeliveryReceipt, OutputDelivery, OutputDestination, OutputTarget, StdioStream,
};

use crate::line;
use crate::line_writer::LineWriter;

/// Brings results to their destinations, by the destination's type.
pub struct OutputDeliveryManager {
    stdout: LineWriter,
    stderr: LineWriter,
}

impl OutputDeliveryManager {
    /// Delivers to the process's own standard output and error.
    ///
    /// # Errors
    /// When the operating system gives no thread for a stream.
    pub fn new() -> io::Result<Self> {
        // Either locks itself for the whole of a `write_all`, so that no other writer can get into a line.
        Self::with_streams(io::stdout(), io::stderr())
    }

    /// Delivers to these streams in place of standard output and error. Each result is one `write_all` of one whole
    /// line, followed by a flush.
    ///
    /// # Errors
    /// When the operating system gives no thread for a stream.
    ///
    /// ```
    /// use ratchet_output::OutputDeliveryManager;
    /// let output = OutputDeliveryManager::with_streams(std::io::sink(), std::io::sink())?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn with_streams(
        stdout: impl Write + Send + 'static,
        stderr: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        Ok(Self {
            stdout: LineWriter::start("stdout", stdout)?,
            stderr: LineWriter::start("stderr", stderr)?,
        })
    }
}

#[async_trait]
impl OutputDelivery for OutputDeliveryManager {
    fn check(&self, destination: &OutputDestination) -> Option<String> {
        match &destination.target {
            OutputTarget::Stdio { .. } => None,
            OutputTarget::Filesystem { .. } | OutputTarget::Webhook { .. } => {
                Some(unsupported(destination).to_string())
            }
        }
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<DeliveryReceipt, DeliveryError> {
        match &delivery.destination.target {
            OutputTarget::Stdio { stdio } => {
                let (name, writer) = match stdio.stream {
                    StdioStream::Stdout => ("standard output", &self.stdout),
                    StdioStream::Stderr => ("standard error", &self.stderr),
                };
                let line = line::of(&delivery.payload, stdio);
                writer.write(line).await.map_err(|source| DeliveryError::Write {
                    destination: name.to_owned(),
                    source,
                })?;
                Ok(DeliveryReceipt::default())
            }
            OutputTarget::Filesystem { .. } | OutputTarget::Webhook { .. } => {
                Err(unsupported(&delivery.destination))
            }
        }
    }
}

fn unsupported(destination: &OutputDestination) -> DeliveryError {
    DeliveryError::Unsupported {
        kind: destination.kind().to_owned(),
    }
}
