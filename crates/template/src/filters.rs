use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Utc};
use minijinja::value::{Kwargs, Value};
use minijinja::{Error, ErrorKind, State};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

/// `date`: an instant in RFC 3339, written in UTC after a pattern of `strftime`.
pub(crate) fn date(instant: Cow<'_, str>, pattern: &str) -> Result<String, Error> {
    let instant: DateTime<Utc> = DateTime::parse_from_rfc3339(&instant)
        .map_err(|error| wrong(format!("\"{instant}\" is not an instant of RFC 3339: {error}")))?
        .to_utc();
    if StrftimeItems::new(pattern).any(|item| matches!(item, Item::Error)) {
        return Err(wrong(format!("\"{pattern}\" is not a pattern of strftime")));
    }
    let mut written = String::new();
    write!(written, "{}", instant.format(pattern))
        .map_err(|_| wrong(format!("\"{pattern}\" cannot be written of an instant")))?;
    Ok(written)
}

/// `tojson`: a value as JSON, on one line or, with `indent=2`, on several. The engine's own writes `null` for a field
/// that is not there, and escapes for HTML besides.
pub(crate) fn tojson(state: &State, value: &Value, options: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = options.get("indent")?;
    options.assert_all_used()?;
    if value.is_undefined() {
        // Nothing is no number: of this error the engine knows the field that was not there.
        f64::try_from(value.clone())?;
    }
    let mut json = PaidFor {
        bytes: Vec::new(),
        state,
        is_out_of_fuel: false,
    };
    let written = match indent {
        None => value.serialize(&mut Serializer::new(&mut json)),
        Some(width) => {
            let indent = " ".repeat(width.min(16));
            let formatter = PrettyFormatter::with_indent(indent.as_bytes());
            value.serialize(&mut Serializer::with_formatter(&mut json, formatter))
        }
    };
    match written {
        Ok(()) => String::from_utf8(json.bytes).map_err(|error| wrong(error.to_string())),
        Err(_) if json.is_out_of_fuel => Err(ErrorKind::OutOfFuel.into()),
        Err(error) => Err(wrong(format!("this value is no JSON: {error}"))),
    }
}

/// A text that ends when the template's budget does.
struct PaidFor<'a, 'b, 'c> {
    bytes: Vec<u8>,
    state: &'a State<'b, 'c>,
    is_out_of_fuel: bool,
}

impl io::Write for PaidFor<'_, '_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // As much as the engine takes for what it serializes itself: 1 for 4 bytes.
        if self.state.consume_fuel(1 + bytes.len() as u64 / 4).is_err() {
            self.is_out_of_fuel = true;
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn wrong(what: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}
