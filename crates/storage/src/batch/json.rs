use std::fmt::Write;

use sea_orm::Value;
use uuid::Uuid;

use super::{Cell, Column, Kind};

/// Rows as a JSON array of arrays.
#[derive(Debug, Default)]
pub(super) struct JsonRows {
    /// Without the bracket at the end.
    json: String,
}

/// The rows as a table of PostgreSQL.
pub(super) fn table(columns: &[Column]) -> String {
    let columns: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(place, (name, kind))| match kind {
            Kind::Id => format!("(value->>{place})::uuid AS {name}"),
            Kind::Int => format!("(value->>{place})::bigint AS {name}"),
            Kind::Small => format!("(value->>{place})::smallint AS {name}"),
            Kind::Bool => format!("(value->>{place})::boolean AS {name}"),
            Kind::Text => format!("value->>{place} AS {name}"),
        })
        .collect();
    format!(
        "(SELECT {} FROM json_array_elements($1::json) AS rows (value))",
        columns.join(", ")
    )
}

impl JsonRows {
    pub(super) fn push(&mut self, cells: &[Cell<'_>]) {
        self.json.push(if self.json.is_empty() { '[' } else { ',' });
        for (place, cell) in cells.iter().enumerate() {
            self.json.push(if place == 0 { '[' } else { ',' });
            self.push_cell(cell);
        }
        self.json.push(']');
    }

    pub(super) fn value(&self) -> Value {
        Value::from(format!("{}]", self.json))
    }

    pub(super) const fn bytes(&self) -> usize {
        self.json.len()
    }

    fn push_cell(&mut self, cell: &Cell<'_>) {
        match cell {
            Cell::Null => self.json.push_str("null"),
            Cell::Id(id) => {
                self.json.push('"');
                self.json
                    .push_str(id.simple().encode_lower(&mut Uuid::encode_buffer()));
                self.json.push('"');
            }
            Cell::Int(number) => {
                write!(self.json, "{number}").expect("a string takes everything that is written to it");
            }
            Cell::Text(text) => self.push_text(text),
        }
    }

    fn push_text(&mut self, text: &str) {
        self.json.push('"');
        let mut rest = 0;
        for (at, byte) in text.bytes().enumerate() {
            let escaped = match byte {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                b'\n' => "\\n",
                b'\r' => "\\r",
                b'\t' => "\\t",
                0 => "\u{fffd}",
                1..0x20 => {
                    self.json.push_str(&text[rest..at]);
                    write!(self.json, "\\u{byte:04x}")
                        .expect("a string takes everything that is written to it");
                    rest = at + 1;
                    continue;
                }
                _ => continue,
            };
            self.json.push_str(&text[rest..at]);
            self.json.push_str(escaped);
            rest = at + 1;
        }
        self.json.push_str(&text[rest..]);
        self.json.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(cells: &[Cell<'_>]) -> serde_json::Value {
        let mut rows = JsonRows::default();
        rows.push(cells);
        serde_json::from_str(&format!("{}]", rows.json)).unwrap()
    }

    #[test]
    fn every_text_arrives_as_it_was_but_for_nul() {
        for text in [
            "",
            "plain",
            "\"quoted\" \\ /",
            "a\nb\rc\td\u{1}\u{1f}\u{7f}",
            "Müller 🚲 \u{2028}",
        ] {
            assert_eq!(
                parsed(&[Cell::Id(Uuid::nil()), Cell::Text(text), Cell::Int(i64::MIN)]),
                serde_json::json!([["00000000000000000000000000000000", text, i64::MIN]])
            );
        }
        assert_eq!(
            parsed(&[Cell::Null, Cell::Text("a\0b"), Cell::Null]),
            serde_json::json!([[null, "a\u{fffd}b", null]])
        );
    }
}
