use std::io::{self, Write};
use std::sync::Arc;

use async_trait::async_trait;
use ratchet_interfaces::{
    Clock, Delivery, DeliveryError, DeliveryReceipt, OutputDelivery, OutputDestination, OutputTarget,
    StdioOptions, StdioStream, WriteMode,
};
use ratchet_outbound::OutboundClient;

use crate::content;
use crate::file_path::FilePath;
use crate::folder::{OutputFolder, Permissions};
use crate::line_writer::LineWriter;
use crate::stdio;
use crate::webhook::Webhooks;

/// What an [`OutputDeliveryManager`] works with.
#[derive(Clone)]
pub struct OutputParts {
    /// Where files are written.
    pub folder: OutputFolder,
    /// What sends webhooks, and says where to they may go.
    pub client: OutboundClient,
    /// The only source of time.
    pub clock: Arc<dyn Clock>,
}

/// Brings results to their destinations, by the destination's type.
pub struct OutputDeliveryManager {
    stdout: LineWriter,
    stderr: LineWriter,
    folder: OutputFolder,
    webhooks: Webhooks,
}

impl OutputDeliveryManager {
    /// Delivers to the process's own standard output and error, to files and over HTTP.
    ///
    /// # Errors
    /// When the operating system gives no thread for a stream.
    pub fn new(parts: OutputParts) -> io::Result<Self> {
        // Either locks itself for the whole of a `write_all`, so that no other writer can get into a line.
        Self::with_streams(parts, io::stdout(), io::stderr())
    }

    /// Delivers to these streams in place of standard output and error. Each result is one `write_all` of whole lines,
    /// followed by a flush.
    ///
    /// # Errors
    /// When the operating system gives no thread for a stream.
    pub fn with_streams(
        parts: OutputParts,
        stdout: impl Write + Send + 'static,
        stderr: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let OutputParts {
            folder,
            client,
            clock,
        } = parts;
        Ok(Self {
            stdout: LineWriter::start("stdout", stdout)?,
            stderr: LineWriter::start("stderr", stderr)?,
            folder,
            webhooks: Webhooks::new(client, clock),
        })
    }

    async fn write_lines(
        &self,
        delivery: &Delivery,
        options: &StdioOptions,
    ) -> Result<DeliveryReceipt, DeliveryError> {
        let (name, writer) = match options.stream {
            StdioStream::Stdout => ("standard output", &self.stdout),
            StdioStream::Stderr => ("standard error", &self.stderr),
        };
        let template = delivery.destination.template.as_deref();
        let lines = stdio::lines(&delivery.payload, template, options).map_err(|error| {
            DeliveryError::Destination {
                message: format!("stdio: {error}"),
            }
        })?;
        writer.write(lines).await.map_err(|source| DeliveryError::Write {
            destination: name.to_owned(),
            source,
        })?;
        Ok(DeliveryReceipt::default())
    }

    async fn write_file(&self, delivery: &Arc<Delivery>) -> Result<DeliveryReceipt, DeliveryError> {
        let (folder, delivery) = (self.folder.clone(), Arc::clone(delivery));
        // A disk takes its time, and so does formatting what is large: neither may hold up the runtime's threads.
        let written = tokio::task::spawn_blocking(move || match &delivery.destination.target {
            OutputTarget::Filesystem { filesystem } => folder.write(&delivery, filesystem),
            OutputTarget::Stdio { .. } | OutputTarget::Webhook { .. } => Err(DeliveryError::Unsupported {
                kind: delivery.destination.kind().to_owned(),
            }),
        });
        let detail = written.await.map_err(|error| DeliveryError::Write {
            destination: "a file".to_owned(),
            source: io::Error::other(error),
        })??;
        Ok(DeliveryReceipt { detail: Some(detail) })
    }
}

#[async_trait]
impl OutputDelivery for OutputDeliveryManager {
    fn check(&self, destination: &OutputDestination) -> Option<String> {
        if let Some(template) = &destination.template
            && let Err(error) = content::parse(template)
        {
            return Some(error.to_string());
        }
        match &destination.target {
            OutputTarget::Stdio { .. } => None,
            OutputTarget::Filesystem { filesystem } => {
                if let Err(error) = FilePath::parse(&filesystem.path) {
                    return Some(error.to_string());
                }
                if filesystem.mode == WriteMode::Append
                    && filesystem.format == ratchet_interfaces::OutputFormat::Xml
                    && destination.template.is_none()
                {
                    return Some(
                        "filesystem.mode is \"append\": a file in format XML is one document, and nothing can be added"
                            .to_owned(),
                    );
                }
                let permissions = filesystem.permissions.as_deref()?;
                Permissions::parse(permissions).err()
            }
            OutputTarget::Webhook { webhook } => self.webhooks.check(webhook),
        }
    }

    async fn deliver(&self, delivery: &Arc<Delivery>) -> Result<DeliveryReceipt, DeliveryError> {
        match &delivery.destination.target {
            OutputTarget::Stdio { stdio } => self.write_lines(delivery, stdio).await,
            OutputTarget::Filesystem { .. } => self.write_file(delivery).await,
            OutputTarget::Webhook { webhook } => self.webhooks.send(delivery, webhook).await,
        }
    }
}
