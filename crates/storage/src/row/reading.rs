use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{JobPriority, RepositoryError};
use serde::de::DeserializeOwned;

use super::priority::of_rank;

/// A row that is being read. Whatever of it cannot be understood is told with the row and the column.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    what: &'static str,
    id: &'a dyn Display,
}

/// A stored number that its column cannot have.
#[derive(Debug, thiserror::Error)]
#[error("{0} is out of range")]
struct OutOfRange(i64);

/// A column that is empty where the others of the row say that it is not.
#[derive(Debug, thiserror::Error)]
#[error("there is nothing, though the rest of the row asks for it")]
struct Missing;

impl<'a> Reading<'a> {
    pub(crate) const fn of(what: &'static str, id: &'a dyn Display) -> Self {
        Self { what, id }
    }

    /// A named value of an enumeration.
    pub(crate) fn name<T>(self, column: &'static str, text: &str) -> Result<T, RepositoryError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        text.parse().map_err(|error| self.corrupt(column, error))
    }

    pub(crate) fn name_or_none<T>(
        self,
        column: &'static str,
        text: Option<&str>,
    ) -> Result<Option<T>, RepositoryError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        text.map(|text| self.name(column, text)).transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(
        self,
        column: &'static str,
        text: &str,
    ) -> Result<T, RepositoryError> {
        serde_json::from_str(text).map_err(|error| self.corrupt(column, error))
    }

    pub(crate) fn json_or_none<T: DeserializeOwned>(
        self,
        column: &'static str,
        text: Option<&str>,
    ) -> Result<Option<T>, RepositoryError> {
        text.map(|text| self.json(column, text)).transpose()
    }

    pub(crate) fn instant(self, column: &'static str, micros: i64) -> Result<DateTime<Utc>, RepositoryError> {
        DateTime::from_timestamp_micros(micros).ok_or_else(|| self.corrupt(column, OutOfRange(micros)))
    }

    pub(crate) fn instant_or_none(
        self,
        column: &'static str,
        micros: Option<i64>,
    ) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        micros.map(|micros| self.instant(column, micros)).transpose()
    }

    pub(crate) fn number<T: TryFrom<i64>>(
        self,
        column: &'static str,
        stored: i64,
    ) -> Result<T, RepositoryError> {
        T::try_from(stored).map_err(|_| self.corrupt(column, OutOfRange(stored)))
    }

    pub(crate) fn number_or_none<T: TryFrom<i64>>(
        self,
        column: &'static str,
        stored: Option<i64>,
    ) -> Result<Option<T>, RepositoryError> {
        stored.map(|stored| self.number(column, stored)).transpose()
    }

    /// A value that the other columns of the row ask for.
    pub(crate) fn present<T>(self, column: &'static str, stored: Option<T>) -> Result<T, RepositoryError> {
        stored.ok_or_else(|| self.corrupt(column, Missing))
    }

    pub(crate) fn priority(self, rank: i16) -> Result<JobPriority, RepositoryError> {
        of_rank(rank).ok_or_else(|| self.corrupt("priority", OutOfRange(rank.into())))
    }

    fn corrupt(self, column: &'static str, source: impl Error + Send + Sync + 'static) -> RepositoryError {
        RepositoryError::CorruptRow {
            what: self.what,
            id: self.id.to_string(),
            column,
            source: Box::new(source),
        }
    }
}

/// The length of time that is stored as so many microseconds.
pub(super) const fn delta(micros: i64) -> TimeDelta {
    TimeDelta::microseconds(micros)
}
