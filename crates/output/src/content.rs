use ratchet_interfaces::{JobResult, OutputFormat};
use ratchet_template::{Template, TemplateError};
use serde::Serialize;
use serde_json::Value;

use crate::format::{self, FormatError};

/// What errors call the template of a destination.
const TEMPLATE: &str = "template";

/// What is told of a result: its output, or everything.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum Told<'a> {
    Output(&'a Value),
    Envelope(&'a JobResult),
}

impl<'a> Told<'a> {
    pub(crate) const fn of(result: &'a JobResult, include_metadata: bool) -> Self {
        if include_metadata {
            Self::Envelope(result)
        } else {
            Self::Output(&result.output)
        }
    }
}

/// A result as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) text: String,
    /// So many bytes at its beginning tell what the columns are. A file that results are added to has them once.
    pub(crate) header: usize,
}

/// A result cannot be written as its destination wants it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Format(#[from] FormatError),
}

impl Content {
    /// The template's text in place of the output, or else what is told, in a format.
    pub(crate) fn of(
        result: &JobResult,
        template: Option<&str>,
        format: OutputFormat,
        include_metadata: bool,
    ) -> Result<Self, ContentError> {
        match template {
            Some(template) => Ok(Self {
                text: parse(template)?.render(result)?,
                header: 0,
            }),
            None => Ok(format::write(Told::of(result, include_metadata), format)?),
        }
    }

    /// Ends it with its line, where others come after it.
    pub(crate) fn end_line(&mut self) {
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }
}

/// The template of a destination.
pub(crate) fn parse(template: &str) -> Result<Template, TemplateError> {
    Template::parse(TEMPLATE, template)
}
