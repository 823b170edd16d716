mod arrays;
mod packed;

use sea_orm::{DbBackend, Statement, Value};
use uuid::Uuid;

use arrays::ArrayRows;
use packed::PackedRows;

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

/// Rows that travel to the database as parameters of one statement and are a table there: a thousand rows cost one statement,
/// whose text is always the same and stays prepared. Each database gets them in the form that it unpacks fastest.
///
/// Text loses its NUL characters (they become U+FFFD): PostgreSQL has no place for them, and one in a task's error
/// message must not refuse the whole batch for ever.
#[derive(Debug)]
pub(crate) struct Batch {
    columns: &'static [Column],
    form: Form,
    rows: usize,
}

#[derive(Debug)]
enum Form {
    Arrays(ArrayRows),
    Packed(PackedRows),
}

impl Batch {
    /// As many rows go into one statement …
    const MAX_ROWS: usize = 2_000;
    /// … unless they are longer than this together. A database has a limit for one value, and memory has too.
    const MAX_BYTES: usize = 8 << 20;

    pub(crate) fn new(backend: DbBackend, columns: &'static [Column]) -> Self {
        Self {
            columns,
            form: match backend {
                DbBackend::Postgres => Form::Arrays(ArrayRows::new(columns)),
                _ => Form::Packed(PackedRows::default()),
            },
            rows: 0,
        }
    }

    /// Puts rows into as many batches as they need.
    pub(crate) fn all<T>(
        backend: DbBackend,
        columns: &'static [Column],
        rows: impl IntoIterator<Item = T>,
        mut cells: impl FnMut(&mut Self, T),
    ) -> Vec<Self> {
        let mut full = Vec::new();
        let mut batch = Self::new(backend, columns);
        for row in rows {
            if batch.rows >= Self::MAX_ROWS || batch.bytes() >= Self::MAX_BYTES {
                full.push(std::mem::replace(&mut batch, Self::new(backend, columns)));
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
        match &mut self.form {
            Form::Arrays(rows) => rows.push(&cells),
            Form::Packed(rows) => rows.push(self.columns, &cells),
        }
        self.rows += 1;
    }

    /// The database that it is made for.
    pub(crate) const fn backend(&self) -> DbBackend {
        match &self.form {
            Form::Arrays(_) => DbBackend::Postgres,
            Form::Packed(_) => DbBackend::Sqlite,
        }
    }

    /// How many rows it has, as the database counts.
    pub(crate) const fn rows(&self) -> u64 {
        self.rows as u64
    }

    /// A statement over the batch. In `sql`, `{batch}` stands for it as a table, `$1` is taken, and `values` are
    /// `$2` and so on.
    pub(crate) fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        let mut parameters: Vec<Value> = Vec::new();
        let (backend, table) = match &self.form {
            Form::Packed(rows) => {
                parameters.push(rows.value());
                parameters.extend(values);
                (DbBackend::Sqlite, packed::table(self.columns))
            }
            Form::Arrays(rows) => {
                parameters.push(rows.nulls());
                parameters.extend(values);
                let table = arrays::table(self.columns, parameters.len() - 1);
                parameters.extend(rows.columns());
                (DbBackend::Postgres, table)
            }
        };
        Statement::from_sql_and_values(backend, sql.replace("{batch}", &table), parameters)
    }

    /// Inserts the whole batch, which has the table's columns; `end` may hold an `ON CONFLICT`.
    pub(crate) fn insert(&self, table: &str, end: &str) -> Statement {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        // SQLite takes the ON of an ON CONFLICT for that of a join, unless a WHERE stands between.
        let sql =
            format!("INSERT INTO {table} ({names}) SELECT {names} FROM {{batch}} AS b WHERE true {end}");
        self.statement(&sql, [])
    }

    const fn bytes(&self) -> usize {
        match &self.form {
            Form::Arrays(rows) => rows.bytes(),
            Form::Packed(rows) => rows.bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[("id", Kind::Id), ("note", Kind::Text), ("at", Kind::Int)];

    #[test]
    fn many_rows_and_long_rows_are_split() {
        for backend in [DbBackend::Sqlite, DbBackend::Postgres] {
            let sizes = |texts: Vec<String>| -> Vec<u64> {
                Batch::all(backend, COLUMNS, &texts, |batch, text| {
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
}
