use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use ratchet_interfaces::{Fact, FactRepository, RepositoryError};
use sea_orm::{ConnectionTrait, Statement};

use crate::batch::{Batch, Cell, Column, Kind};
use crate::failure::During;
use crate::store::Store;
use crate::writer::{Transaction, WriteError};

const FACT: &[Column] = &[("name", Kind::Text), ("value", Kind::Text)];

/// The table `facts`.
pub(crate) struct Facts {
    store: Arc<Store>,
}

impl Facts {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl FactRepository for Facts {
    async fn fact_find(&self, fact: Fact) -> Result<Option<String>, RepositoryError> {
        const DURING: &str = "looking for a fact about the database";
        let statement = Statement::from_sql_and_values(
            self.store.backend(),
            "SELECT value FROM facts WHERE name = $1",
            [fact.as_str().into()],
        );
        self.store
            .reader
            .query_one_raw(statement)
            .await
            .during(DURING)?
            .map(|row| row.try_get_by_index(0).during(DURING))
            .transpose()
    }

    async fn fact_store(&self, facts: &[(Fact, String)]) -> Result<(), RepositoryError> {
        // A statement must not write a row twice: of a fact that is named twice, the last value counts.
        let last: BTreeMap<Fact, &str> = facts
            .iter()
            .map(|(fact, value)| (*fact, value.as_str()))
            .collect();
        let rows = Batch::all(self.store.backend(), FACT, last, |batch, (fact, value)| {
            batch.push([Cell::Text(fact.as_str()), Cell::Text(value)]);
        });
        if rows.is_empty() {
            return Ok(());
        }
        self.store
            .writer
            .write(rows, |rows, transaction| Box::pin(store(rows, transaction)))
            .await
            .map_err(|error| error.during("storing facts about the database"))
    }
}

async fn store(rows: &[Batch], transaction: &Transaction<'_>) -> Result<(), WriteError> {
    for batch in rows {
        transaction
            .execute_raw(batch.insert("facts", "ON CONFLICT (name) DO UPDATE SET value = excluded.value"))
            .await?;
    }
    Ok(())
}
