use sea_orm::{ConnectionTrait, DbBackend};

use crate::reader::Reader;
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
}

impl Store {
    pub(crate) fn backend(&self) -> DbBackend {
        self.reader.get_database_backend()
    }
}
