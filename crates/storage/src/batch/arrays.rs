use std::fmt::Write;

use sea_orm::Value;
use uuid::Uuid;

use super::{Cell, Column, Kind};

/// Rows as an array for each column, which PostgreSQL unnests. A row of ten cells costs it a tenth of what it costs to
/// read the same row from JSON.
///
/// The driver has no arrays with nulls in them. One more array has a number for each row, whose bits say which of its cells
/// are null; what stands in their place is not looked at.
#[derive(Debug)]
pub(super) struct ArrayRows {
    nulls: Vec<i64>,
    columns: Vec<Cells>,
    bytes: usize,
}

#[derive(Clone, Debug)]
enum Cells {
    Id(Vec<Uuid>),
    Int(Vec<i64>),
    Small(Vec<i16>),
    Bool(Vec<bool>),
    Text(Vec<String>),
}

/// The bits of a number, without its sign.
const MAX_COLUMNS: usize = 63;

/// The rows as a table of PostgreSQL, where `$1` is taken by the nulls and the columns are the parameters after `values`
/// others.
pub(super) fn table(columns: &[Column], values: usize) -> String {
    let (mut cells, mut names, mut arrays) = (String::new(), String::new(), String::new());
    for (place, (name, kind)) in columns.iter().enumerate() {
        let of = match kind {
            Kind::Id => "uuid",
            Kind::Int => "bigint",
            Kind::Small => "smallint",
            Kind::Bool => "boolean",
            Kind::Text => "text",
        };
        let separator = if place == 0 { "" } else { ", " };
        write!(
            cells,
            "{separator}CASE WHEN nulls & {} = 0 THEN c{place} END AS {name}",
            1_i64 << place
        )
        .and_then(|()| write!(names, ", c{place}"))
        .and_then(|()| write!(arrays, ", ${}::{of}[]", 2 + values + place))
        .expect("a string takes everything that is written to it");
    }
    format!("(SELECT {cells} FROM unnest($1::bigint[]{arrays}) AS rows (nulls{names}))")
}

impl ArrayRows {
    pub(super) fn new(columns: &[Column]) -> Self {
        debug_assert!(columns.len() <= MAX_COLUMNS, "a bit for each column");
        let columns = columns
            .iter()
            .map(|(_, kind)| match kind {
                Kind::Id => Cells::Id(Vec::new()),
                Kind::Int => Cells::Int(Vec::new()),
                Kind::Small => Cells::Small(Vec::new()),
                Kind::Bool => Cells::Bool(Vec::new()),
                Kind::Text => Cells::Text(Vec::new()),
            })
            .collect();
        Self {
            nulls: Vec::new(),
            columns,
            bytes: 0,
        }
    }

    pub(super) fn push(&mut self, row: &[Cell<'_>]) {
        let mut nulls = 0;
        for (place, (cells, cell)) in self.columns.iter_mut().zip(row).enumerate() {
            if matches!(cell, Cell::Null) {
                nulls |= 1_i64 << place;
            }
            self.bytes += cells.push(cell);
        }
        self.nulls.push(nulls);
    }

    /// What says where the nulls are.
    pub(super) fn nulls(&self) -> Value {
        Value::from(self.nulls.clone())
    }

    /// The columns, in their order.
    pub(super) fn columns(&self) -> impl Iterator<Item = Value> {
        self.columns.iter().map(|cells| match cells.clone() {
            Cells::Id(ids) => Value::from(ids),
            Cells::Int(numbers) => Value::from(numbers),
            Cells::Small(numbers) => Value::from(numbers),
            Cells::Bool(values) => Value::from(values),
            Cells::Text(texts) => Value::from(texts),
        })
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Cells {
    /// Adds a cell, and says how many bytes it takes.
    fn push(&mut self, cell: &Cell<'_>) -> usize {
        match (self, cell) {
            (Self::Id(ids), Cell::Id(id)) => ids.push(*id),
            (Self::Id(ids), Cell::Null) => ids.push(Uuid::nil()),
            (Self::Int(numbers), Cell::Int(number)) => numbers.push(*number),
            (Self::Int(numbers), Cell::Null) => numbers.push(0),
            (Self::Small(numbers), Cell::Int(number)) => {
                numbers.push(i16::try_from(*number).expect("a small number"));
            }
            (Self::Small(numbers), Cell::Null) => numbers.push(0),
            (Self::Bool(values), Cell::Int(number)) => values.push(*number != 0),
            (Self::Bool(values), Cell::Null) => values.push(false),
            (Self::Text(texts), Cell::Text(text)) => {
                texts.push(text.replace('\0', "\u{fffd}"));
                return size_of::<u64>() + text.len();
            }
            (Self::Text(texts), Cell::Null) => texts.push(String::new()),
            (cells, cell) => unreachable!("a column of {cells:?} is given {cell:?}"),
        }
        size_of::<u64>()
    }
}
