//! Conditions on rows, as SQL: the `WHERE` of a list, whose values are parameters.

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{Bound, Choice, JobPriority, TextMatch};
use sea_orm::{DbBackend, Value};
use uuid::Uuid;

use crate::row::{count, rank, text};

/// The `WHERE` of a list: terms that a row must meet all.
#[derive(Clone, Debug)]
pub(crate) struct Restriction {
    backend: DbBackend,
    terms: Vec<String>,
    values: Vec<Value>,
    /// Whether an index leads to the few rows that meet it: then these are sorted, and no order is walked along.
    few: bool,
}

/// Stands for the next parameter in a term: no statement of ours has it otherwise.
const PARAMETER: char = '?';

/// What a column is compared with.
#[derive(Debug)]
pub(crate) enum Operand {
    Parameter(Value),
    /// A name or number of ours, which stands in the statement: a partial index is used only where the statement itself
    /// shows that the rows are in it.
    Literal(String),
}

/// A value of a field, as its column has it.
pub(crate) trait Stored {
    fn operand(&self) -> Operand;
}

impl Restriction {
    pub(crate) const fn none(backend: DbBackend) -> Self {
        Self {
            backend,
            terms: Vec::new(),
            values: Vec::new(),
            few: false,
        }
    }

    pub(crate) const fn backend(&self) -> DbBackend {
        self.backend
    }

    /// Whether every row meets it.
    pub(crate) const fn is_none(&self) -> bool {
        self.terms.is_empty()
    }

    /// What stands behind `WHERE`.
    pub(crate) fn sql(&self) -> String {
        self.sql_behind(0)
    }

    /// What stands behind `WHERE` in a statement that has other parameters before.
    pub(crate) fn sql_behind(&self, parameters: usize) -> String {
        if self.terms.is_empty() {
            return "TRUE".to_owned();
        }
        let terms = self.terms.join(" AND ");
        let mut pieces = terms.split(PARAMETER);
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.enumerate().fold(first, |sql, (place, piece)| {
            format!("{sql}${}{piece}", parameters + place + 1)
        })
    }

    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    pub(crate) const fn finds_few(&self) -> bool {
        self.few
    }

    pub(crate) const fn find_few(&mut self) {
        self.few = true;
    }

    pub(crate) fn term(&mut self, sql: impl Into<String>) {
        self.terms.push(sql.into());
    }

    /// A term that is decided without a look at the row.
    pub(crate) fn decided(&mut self, met: bool) {
        if !met {
            self.term("FALSE");
        }
    }

    fn parameter(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        PARAMETER.to_string()
    }

    /// That there is a row of another table: `select` ends with its `WHERE`, which `with` adds to.
    pub(crate) fn exists(&mut self, select: &str, with: Self) {
        self.term(format!("EXISTS ({select} AND {})", with.terms.join(" AND ")));
        self.values.extend(with.values);
    }

    fn operand(&mut self, operand: Operand) -> String {
        match operand {
            Operand::Parameter(value) => self.parameter(value),
            Operand::Literal(sql) => sql,
        }
    }

    pub(crate) fn choice<T: Stored>(&mut self, column: &str, choice: &Choice<T>) {
        let sql = match choice {
            Choice::Is(value) => format!("{column} = {}", self.operand(value.operand())),
            Choice::IsNot(value) => format!("{column} IS DISTINCT FROM {}", self.operand(value.operand())),
            Choice::IsOneOf(values) if values.is_empty() => "FALSE".to_owned(),
            Choice::IsOneOf(values) => {
                let values: Vec<String> = values.iter().map(|value| self.operand(value.operand())).collect();
                format!("{column} IN ({})", values.join(", "))
            }
        };
        self.term(sql);
    }

    pub(crate) fn bound<T: Stored>(&mut self, column: &str, bound: &Bound<T>) {
        let (operator, value) = match bound {
            Bound::Choice(choice) => return self.choice(column, choice),
            Bound::AtLeast(value) => (">=", value),
            Bound::AtMost(value) => ("<=", value),
            Bound::Before(value) => ("<", value),
        };
        let value = self.operand(value.operand());
        self.term(format!("{column} {operator} {value}"));
    }

    /// Of instants and lengths of time, which are stored in whole microseconds.
    pub(crate) fn time<T: Time>(&mut self, column: &str, bound: &Bound<T>) {
        self.bound(column, &in_micros(bound));
    }

    /// Of an enumeration whose values have an order that their stored names do not have.
    pub(crate) fn ranked<T: Stored + Copy + PartialOrd>(
        &mut self,
        column: &str,
        all: &[T],
        bound: &Bound<T>,
    ) {
        match bound {
            Bound::Choice(choice) => self.choice(column, choice),
            _ => {
                let met = all.iter().filter(|value| bound.is_met_by(Some(value)));
                self.choice(column, &Choice::IsOneOf(met.copied().collect()));
            }
        }
    }

    pub(crate) fn flag(&mut self, column: &str, expected: bool) {
        self.term(if expected {
            column.to_owned()
        } else {
            format!("NOT {column}")
        });
    }

    /// Of a text; where it is part of one, A to Z count in any case, alike on both databases.
    pub(crate) fn text(&mut self, column: &str, expected: &TextMatch) {
        match expected {
            TextMatch::Choice(choice) => self.choice(column, choice),
            TextMatch::Contains(part) => {
                let lower = match self.backend {
                    DbBackend::Postgres => format!("lower({column} COLLATE \"C\")"),
                    _ => format!("lower({column})"),
                };
                self.contains(&lower, &text(part).to_ascii_lowercase());
            }
        }
    }

    /// Of a name, that stands in `lower` in lower case too.
    pub(crate) fn name(&mut self, column: &str, lower: &str, expected: &TextMatch) {
        match expected {
            TextMatch::Choice(choice) => self.choice(column, choice),
            TextMatch::Contains(part) => self.contains(lower, &text(part).to_lowercase()),
        }
    }

    /// The text means itself: `%` and `_` are no wildcards.
    fn contains(&mut self, lower: &str, part: &str) {
        let find = match self.backend {
            DbBackend::Postgres => "strpos",
            _ => "instr",
        };
        let part = self.parameter(part);
        self.term(format!("{find}({lower}, {part}) > 0"));
    }
}

/// What is stored in microseconds.
pub(crate) trait Time: Copy {
    /// The last whole microsecond that is not later, and whether it is the value.
    fn micros(self) -> (i64, bool);
}

impl Time for DateTime<Utc> {
    fn micros(self) -> (i64, bool) {
        (
            self.timestamp_micros(),
            self.timestamp_subsec_nanos().is_multiple_of(1_000),
        )
    }
}

impl Time for TimeDelta {
    fn micros(self) -> (i64, bool) {
        let micros = self.num_microseconds().unwrap_or(i64::MAX);
        match Self::microseconds(micros) {
            whole if whole > self => (micros - 1, false),
            whole => (micros, whole == self),
        }
    }
}

/// The same bound on whole microseconds.
fn in_micros<T: Time>(bound: &Bound<T>) -> Bound<i64> {
    let floor = |value: &T| value.micros().0;
    let ceiling = |value: &T| {
        let (micros, exact) = value.micros();
        if exact { micros } else { micros.saturating_add(1) }
    };
    let exact = |value: &T| {
        Some(value.micros())
            .filter(|(_, exact)| *exact)
            .map(|(micros, _)| micros)
    };
    match bound {
        Bound::AtLeast(value) => Bound::AtLeast(ceiling(value)),
        Bound::Before(value) => Bound::Before(ceiling(value)),
        Bound::AtMost(value) => Bound::AtMost(floor(value)),
        Bound::Choice(Choice::Is(value)) => {
            Bound::Choice(Choice::IsOneOf(exact(value).into_iter().collect()))
        }
        Bound::Choice(Choice::IsOneOf(values)) => {
            Bound::Choice(Choice::IsOneOf(values.iter().filter_map(exact).collect()))
        }
        // No instant is before the first, and so another than a value that none has.
        Bound::Choice(Choice::IsNot(value)) => Bound::Choice(Choice::IsNot(exact(value).unwrap_or(i64::MIN))),
    }
}

impl Stored for i64 {
    fn operand(&self) -> Operand {
        Operand::Parameter((*self).into())
    }
}

impl Stored for u64 {
    fn operand(&self) -> Operand {
        Operand::Parameter(count(*self).into())
    }
}

impl Stored for Uuid {
    fn operand(&self) -> Operand {
        Operand::Parameter((*self).into())
    }
}

impl Stored for String {
    fn operand(&self) -> Operand {
        Operand::Parameter(text(self).into())
    }
}

impl Stored for JobPriority {
    fn operand(&self) -> Operand {
        Operand::Literal(rank(*self).to_string())
    }
}

macro_rules! stored {
    (ids: $($id:ident),+; names: $($name:ident),+ $(,)?) => {
        $(impl Stored for ratchet_interfaces::$id {
            fn operand(&self) -> Operand {
                self.as_uuid().operand()
            }
        })+
        $(impl Stored for ratchet_interfaces::$name {
            fn operand(&self) -> Operand {
                Operand::Literal(format!("'{}'", self.as_str()))
            }
        })+
    };
}

stored!(
    ids: AuditEntryId, DeliveryId, ExecutionId, JobId, NodeId, ScheduleId, TaskId, TokenId;
    names: DeliveryStatus, ExecutionStatus, JobOrigin, JobStatus, LogLevel, ScheduleState, Scope, TaskErrorKind,
    TickOutcome,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_two_microseconds_is_compared_as_it_is() {
        let between = DateTime::from_timestamp_nanos(1_500);
        let whole = DateTime::from_timestamp_micros(1).unwrap();
        for (bound, stored) in [
            (Bound::AtLeast(between), Bound::AtLeast(2)),
            (Bound::Before(between), Bound::Before(2)),
            (Bound::AtMost(between), Bound::AtMost(1)),
            (
                Bound::Choice(Choice::Is(between)),
                Bound::Choice(Choice::IsOneOf(vec![])),
            ),
            (Bound::AtLeast(whole), Bound::AtLeast(1)),
            (Bound::Before(whole), Bound::Before(1)),
            (
                Bound::Choice(Choice::IsOneOf(vec![between, whole])),
                Bound::Choice(Choice::IsOneOf(vec![1])),
            ),
        ] {
            assert_eq!(in_micros(&bound), stored, "{bound:?}");
        }
        assert_eq!(TimeDelta::nanoseconds(-1_500).micros(), (-2, false));
        assert_eq!(TimeDelta::nanoseconds(1_500).micros(), (1, false));
    }
}
