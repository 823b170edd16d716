use sea_orm::{ConnectionTrait, DbBackend};

use crate::reader::Reader;
use crate::shared::SharedQuestion;
use crate::statement_count::StatementCount;
use crate::totals::Totals;
use crate::writer::Writer;

/// What the repositories of one database share.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) count: StatementCount,
    pub(crate) totals: Totals,
    /// Whether there are tokens: each request asks where there may be none.
    pub(crate) has_tokens: SharedQuestion<bool>,
}

impl Store {
    pub(crate) fn backend(&self) -> DbBackend {
        self.reader.get_database_backend()
    }
}
