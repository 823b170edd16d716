//! Rows that a statement has found, each read by itself: a column that holds what its type does not allow, which SQLite lets
//! happen, is the damage of that row, and no refusal of the statement.

use ratchet_interfaces::RepositoryError;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IdenStatic, Iterable, QueryResult, QuerySelect,
    QueryTrait, Select,
};

use super::StoredId;
use crate::failure::{During, repository_error, undecoded_column};

/// The first row that is selected, if there is one.
pub(crate) async fn one<E: EntityTrait, T>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    during: &'static str,
    read: impl Fn(E::Model) -> Result<T, RepositoryError>,
) -> Result<Option<T>, RepositoryError> {
    let statement = select.limit(1).build(db.get_database_backend());
    let row = db.query_one_raw(statement).await.during(during)?;
    row.map(|row| read(model::<E, _>(&row, during)?)).transpose()
}

/// All rows that are selected.
pub(crate) async fn all<E: EntityTrait, T>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    during: &'static str,
    read: impl Fn(E::Model) -> Result<T, RepositoryError>,
) -> Result<Vec<T>, RepositoryError> {
    let statement = select.build(db.get_database_backend());
    let rows = db.query_all_raw(statement).await.during(during)?;
    rows.iter().map(|row| read(model::<E, _>(row, during)?)).collect()
}

/// The model of a row of the entity's table.
pub(crate) fn model<E: EntityTrait, M: FromQueryResult>(
    row: &QueryResult,
    during: &'static str,
) -> Result<M, RepositoryError> {
    M::from_query_result(row, "").map_err(|error| damage::<E>(row, error, during))
}

fn damage<E: EntityTrait>(row: &QueryResult, error: DbErr, during: &'static str) -> RepositoryError {
    let Ok(id) = StoredId::of(row) else {
        // It has no id of its own.
        return repository_error(error, during);
    };
    let columns = || E::Column::iter().map(|column| column.as_str());
    let column = undecoded_column(&error).and_then(|name| columns().find(|column| *column == name));
    RepositoryError::CorruptRow {
        what: noun(E::default().table_name()),
        id: id.to_string(),
        column: column.unwrap_or("row"),
        source: Box::new(error),
    }
}

/// What a row of a table is called.
fn noun(table: &'static str) -> &'static str {
    match table {
        "deliveries" => "delivery",
        "audit_entries" => "audit entry",
        "attempts" => "execution",
        table => table.strip_suffix('s').unwrap_or(table),
    }
}
