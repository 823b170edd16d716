use std::fmt::Write;

use sea_orm::{DbBackend, Statement, Value};
use uuid::Uuid;

/// What a column of a batch holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Id,
    Int,
    /// A number that PostgreSQL keeps as `smallint`.
    Small,
    Bool,
    Text,
}

/// A column of a batch: its name and what it holds.
pub(crate) type Column = (&'static str, Kind);

/// A value of a batch.
#[derive(Clone, Debug)]
pub(crate) enum Cell<'a> {
    Null,
    Id(Uuid),
    Int(i64),
    Text(&'a str),
}

impl<'a> Cell<'a> {
    pub(crate) fn id(id: Option<Uuid>) -> Self {
        id.map_or(Self::Null, Self::Id)
    }

    pub(crate) fn int(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Int)
    }

    pub(crate) const fn bool(yes: bool) -> Self {
        Self::Int(yes as i64)
    }

    pub(crate) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

/// Rows that travel to the database as one parameter, a JSON array of arrays, and are a table there: a thousand
/// rows cost one statement, whose text is always the same and stays prepared.
///
/// Text loses its NUL characters (they become U+FFFD): PostgreSQL has no place for them, and one in a task's error
/// message must not refuse the whole batch for ever.
#[derive(Debug)]
pub(crate) struct Batch {
    columns: &'static [Column],
    json: String,
    rows: usize,
}

impl Batch {
    /// As many rows go into one statement …
    const MAX_ROWS: usize = 2_000;
    /// … unless they are longer than this together. A database has a limit for one value, and memory has too.
    const MAX_BYTES: usize = 8 << 20;

    pub(crate) fn new(columns: &'static [Column]) -> Self {
        Self {
            columns,
            json: "[".to_owned(),
            rows: 0,
        }
    }

    /// Puts rows into as many batches as they need.
    pub(crate) fn all<T>(
        columns: &'static [Column],
        rows: impl IntoIterator<Item = T>,
        mut cells: impl FnMut(&mut Self, T),
    ) -> Vec<Self> {
        let mut full = Vec::new();
        let mut batch = Self::new(columns);
        for row in rows {
            if batch.rows >= Self::MAX_ROWS || batch.json.len() >= Self::MAX_BYTES {
                full.push(std::mem::replace(&mut batch, Self::new(columns)));
            }
            cells(&mut batch, row);
        }
        if batch.rows > 0 {
            full.push(batch);
        }
        full
    }

    /// Adds a row: a cell for each column, in their order.
    pub(crate) fn push<const N: usize>(&mut self, cells: [Cell<'_>; N]) {
        debug_assert_eq!(N, self.columns.len(), "a cell for each column");
        self.json.push_str(if self.rows == 0 { "[" } else { ",[" });
        for (place, cell) in cells.into_iter().enumerate() {
            if place > 0 {
                self.json.push(',');
            }
            self.push_cell(&cell);
        }
        self.json.push(']');
        self.rows += 1;
    }

    /// How many rows it has, as the database counts.
    pub(crate) const fn rows(&self) -> u64 {
        self.rows as u64
    }

    /// A statement over the batch. In `sql`, `{batch}` stands for it as a table, `$1` is taken, and `values` are
    /// `$2` and so on.
    pub(crate) fn statement(
        &self,
        backend: DbBackend,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Statement {
        let json = Value::from(format!("{}]", self.json));
        Statement::from_sql_and_values(
            backend,
            sql.replace("{batch}", &self.table(backend)),
            std::iter::once(json).chain(values),
        )
    }

    /// Inserts the whole batch, which has the table's columns; `end` may hold an `ON CONFLICT`.
    pub(crate) fn insert(&self, backend: DbBackend, table: &str, end: &str) -> Statement {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        // SQLite takes the ON of an ON CONFLICT for that of a join, unless a WHERE stands between.
        let sql =
            format!("INSERT INTO {table} ({names}) SELECT {names} FROM {{batch}} AS b WHERE true {end}");
        self.statement(backend, &sql, [])
    }

    fn table(&self, backend: DbBackend) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(place, (name, kind))| match (backend, kind) {
                (DbBackend::Postgres, Kind::Id) => format!("(value->>{place})::uuid AS {name}"),
                (DbBackend::Postgres, Kind::Int) => format!("(value->>{place})::bigint AS {name}"),
                (DbBackend::Postgres, Kind::Small) => format!("(value->>{place})::smallint AS {name}"),
                (DbBackend::Postgres, Kind::Bool) => format!("(value->>{place})::boolean AS {name}"),
                (_, Kind::Id) => format!("unhex(value->>{place}) AS {name}"),
                _ => format!("value->>{place} AS {name}"),
            })
            .collect();
        let rows = match backend {
            DbBackend::Postgres => "json_array_elements($1::json) AS rows (value)",
            _ => "json_each($1)",
        };
        format!("(SELECT {} FROM {rows})", columns.join(", "))
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

    const COLUMNS: &[Column] = &[("id", Kind::Id), ("note", Kind::Text), ("at", Kind::Int)];

    fn json(batch: &Batch) -> serde_json::Value {
        serde_json::from_str(&format!("{}]", batch.json)).unwrap()
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
            let mut batch = Batch::new(COLUMNS);
            batch.push([Cell::Id(Uuid::nil()), Cell::Text(text), Cell::Int(i64::MIN)]);
            let expected = serde_json::json!([["00000000000000000000000000000000", text, i64::MIN]]);
            assert_eq!(json(&batch), expected);
        }
        let mut batch = Batch::new(COLUMNS);
        batch.push([Cell::Null, Cell::Text("a\0b"), Cell::Null]);
        assert_eq!(json(&batch), serde_json::json!([[null, "a\u{fffd}b", null]]));
    }

    #[test]
    fn many_rows_and_long_rows_are_split() {
        let sizes = |texts: Vec<String>| -> Vec<u64> {
            Batch::all(COLUMNS, &texts, |batch, text| {
                batch.push([Cell::Null, Cell::Text(text), Cell::Null]);
            })
            .iter()
            .map(Batch::rows)
            .collect()
        };
        assert_eq!(sizes(Vec::new()), Vec::<u64>::new());
        assert_eq!(sizes(vec![String::new(); 4_500]), [2_000, 2_000, 500]);
        assert_eq!(sizes(vec!["x".repeat(5 << 20); 3]), [2, 1]);
    }
}
