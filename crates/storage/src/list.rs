//! Pages of long lists.
//!
//! Which rows a page has is found in an index: a deep page passes by entries of the index and not by rows, and from that
//! end of the list that is nearer. Where the key of the sort may be absent, the list is two: the rows that have it, and
//! behind them the others, in the order of their ids. So both databases agree on where these stand, and an index needs
//! to hold only those that have the key.

use ratchet_interfaces::{Page, PageRequest, RepositoryError, SortOrder};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, ModelTrait, QueryResult, Statement, Value};

use crate::failure::During;
use crate::restriction::Restriction;
use crate::row::found;
use crate::store::Store;

/// A list of the rows of a table.
#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) table: &'static str,
    /// The columns that name a row, and break ties.
    pub(crate) key: &'static [&'static str],
    pub(crate) restriction: Restriction,
    pub(crate) sort: SortBy,
    pub(crate) rows: Rows,
    /// What none of the rows is, where nothing else is asked of them: they are those that the others leave, and an index
    /// counts both without a look at a row.
    pub(crate) rest_of: Option<String>,
}

/// What a list is sorted by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SortBy {
    /// The key of the table alone.
    Key(SortOrder),
    /// A column of which every row has a value.
    Column(&'static str, SortOrder),
    /// A column that some rows have no value in: these come last in either direction.
    Optional(&'static str, SortOrder),
    /// A column of few values, one of which almost all rows have.
    Few(&'static Values, SortOrder),
}

/// The values of a column that has few.
#[derive(Debug)]
pub(crate) struct Values {
    pub(crate) column: &'static str,
    /// All of them, in their order.
    pub(crate) all: &'static [i16],
    /// The one that almost all rows have: an index holds the others.
    pub(crate) usual: i16,
}

/// How the rows of a page are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Along with the order: they are short, or lie in it.
    InOrder,
    /// By their ids, when it is known which they are.
    ById,
}

/// Some consecutive rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) offset: u64,
    pub(crate) limit: u64,
    /// Whether they are counted from the end, and come in the opposite order.
    pub(crate) backwards: bool,
}

impl Cut {
    /// `limit` rows after the first `offset` of `total`, from the nearer end; none where there are none.
    pub(crate) fn nearer(offset: u64, limit: u64, total: u64) -> Option<Self> {
        let rest = total.checked_sub(offset).filter(|rest| *rest > 0)?;
        let limit = limit.min(rest);
        let behind = rest - limit;
        Some(if behind < offset {
            Self {
                offset: behind,
                limit,
                backwards: true,
            }
        } else {
            Self {
                offset,
                limit,
                backwards: false,
            }
        })
    }
}

/// Something whose rows can be counted: a whole list, or a part of one.
pub(crate) trait Counted {
    fn count_statement(&self) -> Statement;
}

/// Something whose rows can also be cut out.
pub(crate) trait Part<R>: Counted {
    /// In the order of the list, or against it where the cut is backwards.
    async fn cut(
        &self,
        db: &impl ConnectionTrait,
        cut: Cut,
        during: &'static str,
    ) -> Result<Vec<R>, RepositoryError>;
}

/// A page of parts that lie one behind the other, and how many rows they have together.
pub(crate) async fn page<R, T>(
    store: &Store,
    parts: &[impl Part<R>],
    request: PageRequest,
    during: &'static str,
    read: impl Fn(R) -> Result<T, RepositoryError>,
) -> Result<Page<T>, RepositoryError> {
    let (mut offset, mut left) = (request.offset(), request.limit());
    let (mut rows, mut total) = (Vec::new(), 0);
    let db = &store.reader;
    let count = async |statement| store.totals.count(db, statement).await.during(during);
    for part in parts {
        let length = if offset == 0 && left > 0 {
            let first = Cut {
                offset,
                limit: left,
                backwards: false,
            };
            let found = part.cut(db, first, during).await?;
            let shown = found.len() as u64;
            rows.extend(found);
            let length = if shown < left {
                shown
            } else {
                count(part.count_statement()).await?
            };
            left -= shown;
            length
        } else {
            let length = count(part.count_statement()).await?;
            if left > 0
                && let Some(cut) = Cut::nearer(offset, left, length)
            {
                let mut found = part.cut(db, cut, during).await?;
                if cut.backwards {
                    found.reverse();
                }
                left -= found.len() as u64;
                rows.extend(found);
            }
            length
        };
        offset = offset.saturating_sub(length);
        total += length;
    }
    let items = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page { items, total })
}

#[cfg(test)]
impl Cut {
    /// Rows from deep within a list.
    pub(crate) const DEEP: Self = Self {
        offset: 1_000,
        limit: 25,
        backwards: true,
    };
}

impl List {
    /// The parts that it has, in their order.
    pub(crate) fn parts(self) -> Vec<Self> {
        match self.sort {
            SortBy::Key(_) | SortBy::Column(..) => vec![self],
            SortBy::Optional(column, order) => self.with_and_without(column, order),
            SortBy::Few(values, order) => {
                let part = |value: &i16| self.of_value(values, *value, order);
                match order {
                    SortOrder::Ascending => values.all.iter().map(part).collect(),
                    SortOrder::Descending => values.all.iter().rev().map(part).collect(),
                }
            }
        }
    }

    fn of_value(&self, values: &Values, value: i16, order: SortOrder) -> Self {
        let Values { column, usual, .. } = values;
        let others = format!("{column} <> {usual}");
        let mut part = Self {
            sort: SortBy::Key(order),
            ..self.clone()
        };
        if value == *usual {
            part.rest_of = Some(others).filter(|_| self.restriction.is_none());
        } else {
            // The term of the index.
            part.restriction.term(others);
        }
        part.restriction.term(format!("{column} = {value}"));
        part
    }

    fn with_and_without(self, column: &'static str, order: SortOrder) -> Vec<Self> {
        let mut without = Self {
            sort: SortBy::Key(order),
            rest_of: Some(format!("{column} IS NOT NULL")).filter(|_| self.restriction.is_none()),
            ..self.clone()
        };
        without.restriction.term(format!("{column} IS NULL"));
        let mut with = Self {
            sort: SortBy::Column(column, order),
            ..self
        };
        with.restriction.term(format!("{column} IS NOT NULL"));
        vec![with, without]
    }

    /// `ORDER BY` and what follows it.
    fn order(&self, table: &str, backwards: bool) -> String {
        let (column, order) = match self.sort {
            SortBy::Key(order) | SortBy::Few(_, order) => (None, order),
            SortBy::Column(column, order) | SortBy::Optional(column, order) => (Some(column), order),
        };
        let direction = direction(order, backwards);
        // The plus keeps SQLite from walking along the order, past all the rows that are not wanted.
        let few = self.restriction.backend() == sea_orm::DbBackend::Sqlite && self.restriction.finds_few();
        let plus = if few { "+" } else { "" };
        let keys: Vec<String> = column
            .iter()
            .chain(self.key.iter().filter(|key| Some(**key) != column))
            .map(|key| format!("{plus}{table}{key} {direction}"))
            .collect();
        format!("ORDER BY {}", keys.join(", "))
    }

    pub(crate) fn cut_statement(&self, cut: Cut) -> Statement {
        let Self {
            table,
            key,
            restriction,
            ..
        } = self;
        let next = restriction.values().len() + 1;
        let columns = match self.rows {
            Rows::InOrder => "*".to_owned(),
            Rows::ById => key.join(", "),
        };
        let found = format!(
            "SELECT {columns} FROM {table} WHERE {} {} LIMIT ${next} OFFSET ${}",
            restriction.sql(),
            self.order("", cut.backwards),
            next + 1
        );
        let sql = match self.rows {
            Rows::InOrder => found,
            Rows::ById => {
                let same: Vec<String> = key.iter().map(|key| format!("t.{key} = p.{key}")).collect();
                format!(
                    "SELECT t.* FROM ({found}) AS p CROSS JOIN {table} AS t WHERE {} {}",
                    same.join(" AND "),
                    self.order("t.", cut.backwards)
                )
            }
        };
        self.statement(sql, limits(cut))
    }

    fn statement(&self, sql: String, more: impl IntoIterator<Item = Value>) -> Statement {
        let values: Vec<Value> = self.restriction.values().iter().cloned().chain(more).collect();
        Statement::from_sql_and_values(self.restriction.backend(), sql, values)
    }
}

impl Counted for List {
    fn count_statement(&self) -> Statement {
        let Self {
            table, restriction, ..
        } = self;
        let count = |restriction: &str| format!("SELECT COUNT(*) FROM {table} WHERE {restriction}");
        let sql = match &self.rest_of {
            None => count(&restriction.sql()),
            Some(others) => format!("SELECT (SELECT COUNT(*) FROM {table}) - ({})", count(others)),
        };
        self.statement(sql, [])
    }
}

impl<R: FromQueryResult + ModelTrait> Part<R> for List {
    async fn cut(
        &self,
        db: &impl ConnectionTrait,
        cut: Cut,
        during: &'static str,
    ) -> Result<Vec<R>, RepositoryError> {
        db.query_all_raw(self.cut_statement(cut))
            .await
            .during(during)?
            .iter()
            .map(|row| found::model::<R::Entity, R>(row, during))
            .collect()
    }
}

/// The values of `LIMIT` and `OFFSET`.
pub(crate) fn limits(cut: Cut) -> [Value; 2] {
    // An offset is smaller than what a database has counted, or nothing.
    [cut.limit, cut.offset].map(|rows| i64::try_from(rows).unwrap_or(i64::MAX).into())
}

pub(crate) const fn direction(order: SortOrder, backwards: bool) -> &'static str {
    match (order, backwards) {
        (SortOrder::Ascending, false) | (SortOrder::Descending, true) => "ASC",
        (SortOrder::Descending, false) | (SortOrder::Ascending, true) => "DESC",
    }
}

/// What a statement says that counts.
pub(crate) fn number(row: Option<QueryResult>) -> Result<u64, DbErr> {
    let counted: i64 = match row {
        Some(row) => row.try_get_by_index(0)?,
        // COUNT always answers.
        None => 0,
    };
    Ok(counted.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_from_the_nearer_end() {
        let forwards = |offset, limit| Cut {
            offset,
            limit,
            backwards: false,
        };
        let backwards = |offset, limit| Cut {
            backwards: true,
            ..forwards(offset, limit)
        };
        for (offset, limit, total, expected) in [
            (0, 25, 100, Some(forwards(0, 25))),
            (30, 25, 100, Some(forwards(30, 25))),
            (40, 25, 100, Some(backwards(35, 25))),
            (75, 25, 100, Some(backwards(0, 25))),
            (90, 25, 100, Some(backwards(0, 10))),
            (100, 25, 100, None),
            (u64::MAX, 25, 100, None),
            (0, 25, 0, None),
            (999_900, 100, 1_000_000, Some(backwards(0, 100))),
        ] {
            assert_eq!(
                Cut::nearer(offset, limit, total),
                expected,
                "{offset} {limit} {total}"
            );
        }
    }
}
