//! A forecast on its way to standard output: row by row, since it may be longer than memory.

use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;

use serde_json::Value;

use crate::cli::CliError;
use crate::command::form::Form;

/// Writes rows as they come, as one list in the form that was asked for.
pub(super) struct Written<W> {
    to: W,
    form: Form,
    is_begun: bool,
}

impl<W: Write> Written<W> {
    pub(super) fn new(to: W, form: Form) -> Self {
        Self {
            to,
            form,
            is_begun: false,
        }
    }

    /// Writes further rows: as lines for people, or as data. Nobody may be left who reads more.
    pub(super) fn rows<T>(
        &mut self,
        rows: impl IntoIterator<Item = T>,
        line: impl Fn(&T) -> String,
        data: impl Fn(&T) -> Value,
    ) -> Result<ControlFlow<()>, CliError> {
        for row in rows {
            let text = match self.form {
                Form::Table => format!("{}\n", line(&row)),
                Form::Json => {
                    let before = if self.is_begun { "," } else { "[" };
                    format!(
                        "{before}\n  {}",
                        format!("{:#}", data(&row)).replace('\n', "\n  ")
                    )
                }
                Form::Yaml => {
                    serde_saphyr::to_string(&[data(&row)]).map_err(|error| CliError::failed(&error))?
                }
            };
            self.is_begun = true;
            if self.write(&text)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.flushed()
    }

    /// Writes what comes after the last row.
    pub(super) fn end(mut self) -> Result<(), CliError> {
        let text = match (self.form, self.is_begun) {
            (Form::Table, _) | (Form::Yaml, true) => "",
            (Form::Yaml | Form::Json, false) => "[]\n",
            (Form::Json, true) => "\n]\n",
        };
        match self.write(text)? {
            ControlFlow::Continue(()) => self.flushed().map(drop),
            ControlFlow::Break(()) => Ok(()),
        }
    }

    fn write(&mut self, text: &str) -> Result<ControlFlow<()>, CliError> {
        read_on(self.to.write_all(text.as_bytes()))
    }

    fn flushed(&mut self) -> Result<ControlFlow<()>, CliError> {
        read_on(self.to.flush())
    }
}

fn read_on(written: std::io::Result<()>) -> Result<ControlFlow<()>, CliError> {
    match written {
        Ok(()) => Ok(ControlFlow::Continue(())),
        // Who closed the pipe has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(CliError::failed(&error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(form: Form, parts: &[&[Value]]) -> String {
        let mut text = Vec::new();
        let mut written = Written::new(&mut text, form);
        for part in parts {
            let rows = part.iter();
            let told = written.rows(rows, |row| row["name"].to_string(), |row| (*row).clone());
            assert!(told.unwrap().is_continue());
        }
        written.end().unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn rows_that_come_in_parts_are_one_list() {
        let (one, two) = (json!({"name": "a\nb: c", "at": null}), json!({"name": "- d"}));
        let all = json!([one, two]);
        let (one, two) = (&[one][..], &[two][..]);
        for parts in [&[one, two][..], &[&[], one, &[], two]] {
            assert_eq!(text(Form::Json, parts), format!("{all:#}\n"));
            assert_eq!(
                serde_saphyr::from_str::<Value>(&text(Form::Yaml, parts)).unwrap(),
                all
            );
            assert_eq!(text(Form::Table, parts), "\"a\\nb: c\"\n\"- d\"\n");
        }
    }

    #[test]
    fn no_row_is_an_empty_list() {
        assert_eq!(text(Form::Json, &[]), "[]\n");
        assert_eq!(text(Form::Yaml, &[&[]]), "[]\n");
        assert_eq!(text(Form::Table, &[]), "");
    }
}
