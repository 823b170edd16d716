use ratchet_interfaces::{TaskError, TaskErrorKind};
use serde_json::Value;

use super::definition::OutputForm;

/// What of a process's standard output becomes its result.
pub(super) struct Capture {
    form: OutputForm,
    max: usize,
    /// All of it, or its last line.
    whole: Vec<u8>,
    last: LastLine,
}

impl Capture {
    pub(super) const fn new(form: OutputForm, max: usize) -> Self {
        Self {
            form,
            max,
            whole: Vec::new(),
            last: LastLine::new(max),
        }
    }

    /// Takes what was printed, unless it is too much already.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), TaskError> {
        match self.form {
            OutputForm::None => {}
            OutputForm::LastLine => self.last.push(chunk),
            OutputForm::Json | OutputForm::Text => {
                if chunk.len() > self.max - self.whole.len() {
                    return Err(self.too_large("standard output"));
                }
                self.whole.extend_from_slice(chunk);
            }
        }
        Ok(())
    }

    /// The result.
    pub(super) fn value(self) -> Result<Value, TaskError> {
        match self.form {
            OutputForm::None => Ok(Value::Null),
            OutputForm::LastLine => {
                let too_large = self.too_large("the last line of standard output");
                match self.last.take() {
                    None => Ok(Value::Null),
                    Some(line) if line.is_cut => Err(too_large),
                    Some(line) => {
                        let text = line.text();
                        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
                    }
                }
            }
            OutputForm::Json => serde_json::from_slice(&self.whole).map_err(|error| {
                TaskError::of(
                    TaskErrorKind::Output,
                    format!("standard output is not one JSON value: {error}"),
                )
            }),
            OutputForm::Text => {
                let text = self.whole.strip_suffix(b"\n").unwrap_or(&self.whole);
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                Ok(Value::String(String::from_utf8_lossy(text).into_owned()))
            }
        }
    }

    fn too_large(&self, what: &str) -> TaskError {
        TaskError::of(
            TaskErrorKind::Output,
            format!(
                "{what} is larger than process.max_output_bytes, {} bytes",
                self.max
            ),
        )
    }
}

/// The last line that is not blank, of a stream that may be endless.
pub(super) struct LastLine {
    max: usize,
    /// The last whole one.
    found: Option<Line>,
    /// What came after the last line break.
    open: Line,
}

/// A line, or its beginning.
#[derive(Default)]
pub(super) struct Line {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl LastLine {
    pub(super) const fn new(max: usize) -> Self {
        Self {
            max,
            found: None,
            open: Line {
                bytes: Vec::new(),
                is_cut: false,
            },
        }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) {
        let Some(end) = chunk.iter().rposition(|byte| *byte == b'\n') else {
            self.open.extend(chunk, self.max);
            return;
        };
        let (whole, rest) = (&chunk[..end], &chunk[end + 1..]);
        // From the end, as only the last one counts; the first piece goes on what was open.
        let first = whole
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(whole.len());
        let later = whole.get(first + 1..).unwrap_or_default();
        let mut open = std::mem::take(&mut self.open);
        if let Some(line) = later.rsplit(|byte| *byte == b'\n').find(|line| !is_blank(line)) {
            open.bytes.clear();
            open.is_cut = false;
            open.extend(line, self.max);
            self.found = Some(open);
        } else {
            open.extend(&whole[..first], self.max);
            if !open.is_blank() {
                self.found = Some(open);
            }
        }
        self.open.extend(rest, self.max);
    }

    pub(super) fn take(self) -> Option<Line> {
        if self.open.is_blank() {
            self.found
        } else {
            Some(self.open)
        }
    }
}

impl Line {
    fn extend(&mut self, piece: &[u8], max: usize) {
        let kept = piece.len().min(max - self.bytes.len());
        self.bytes.extend_from_slice(&piece[..kept]);
        self.is_cut |= kept < piece.len();
    }

    fn is_blank(&self) -> bool {
        is_blank(&self.bytes) && !self.is_cut
    }

    /// Without the blanks around it, and what is no text replaced.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes.trim_ascii()).into_owned()
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii_start().is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value(form: OutputForm, chunks: &[&[u8]]) -> Result<Value, String> {
        let mut capture = Capture::new(form, 10);
        for chunk in chunks {
            capture.push(chunk).map_err(|error| error.to_string())?;
        }
        capture.value().map_err(|error| error.to_string())
    }

    #[test]
    fn the_last_line_that_is_not_blank_is_json_or_text() {
        let last = |text: &str| value(OutputForm::LastLine, &[text.as_bytes()]).unwrap();
        assert_eq!(last("so\n{\"a\":1}\n\n  \r\n"), json!({"a": 1}));
        assert_eq!(last("1\ntwo words"), json!("two words"));
        assert_eq!(last("12"), json!(12));
        assert_eq!(last("\n\n"), Value::Null);
        assert_eq!(last(""), Value::Null);
    }

    #[test]
    fn only_the_last_line_must_be_small_enough() {
        let long = [b'x'; 100];
        assert_eq!(value(OutputForm::LastLine, &[&long, b"\nok\n"]), Ok(json!("ok")));
        assert_eq!(
            value(OutputForm::LastLine, &[b"ok\n", &long]).unwrap_err(),
            "the last line of standard output is larger than process.max_output_bytes, 10 bytes"
        );
        let blanks = [b' '; 100];
        assert!(value(OutputForm::LastLine, &[b"ok\n", &blanks, b"x"]).is_err());
    }

    #[test]
    fn all_of_it_must_be_small_enough_and_what_it_should_be() {
        assert_eq!(
            value(OutputForm::Text, &[b"a\nb", b"\xff\r\n"]),
            Ok(json!("a\nb\u{fffd}"))
        );
        assert_eq!(value(OutputForm::Json, &[b"[1,", b"2]\n"]), Ok(json!([1, 2])));
        for (form, chunks) in [
            (OutputForm::Json, [b"1\n".as_slice(), b"2\n"]),
            (OutputForm::Json, [b"", b""]),
            (OutputForm::Text, [b"123456", b"78901"]),
        ] {
            let error = value(form, &chunks).unwrap_err();
            assert!(error.starts_with("standard output is "), "{error}");
        }
        assert_eq!(value(OutputForm::None, &[&[b'x'; 100]]), Ok(Value::Null));
    }

    proptest! {
        #[test]
        fn the_last_line_is_the_same_however_the_stream_is_cut(
            text in "[ab \n]{0,40}",
            cuts in proptest::collection::vec(0_usize..40, 0..6),
        ) {
            let mut last = LastLine::new(1_000);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let mut from = 0;
            for to in cuts.into_iter().chain([text.len()]) {
                last.push(&text.as_bytes()[from..to]);
                from = to;
            }
            let expected = text.lines().rev().find(|line| !line.trim().is_empty()).map(str::trim);
            let found = last.take().map(|line| line.text());
            prop_assert_eq!(found.as_deref(), expected);
        }
    }
}
