use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::DatabaseConnection;

/// How many statements were sent to a database, on all its connections together.
#[derive(Clone, Debug, Default)]
pub(crate) struct StatementCount(Arc<AtomicU64>);

impl StatementCount {
    /// Counts one statement. Sessions of SQLite count all of theirs. SeaORM tells of every prepared statement by itself (see
    /// [`Self::watch`]), but not of a transaction's begin and end, nor of a new connection's settings.
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts what is prepared on the connections of a pool and in their transactions, whether it fails or not.
    pub(crate) fn watch(&self, db: &mut DatabaseConnection) {
        let count = self.clone();
        db.set_metric_callback(move |_| count.add_one());
    }
}
