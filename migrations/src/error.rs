use sea_orm_migration::DbErr;

/// The schema could not be inspected or changed. Whatever failed, the database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A newer binary has been here: its schema is unknown to this one.
    #[error(
        "the database was migrated by a newer ratchet ({}): use that ratchet, or a newer one",
        unknown.join(", ")
    )]
    Newer {
        /// The applied migrations that this binary does not know.
        unknown: Vec<String>,
    },
    /// The list of applied migrations could not be read.
    #[error("the applied migrations could not be read")]
    Inspect {
        /// What the database said.
        #[source]
        source: DbErr,
    },
    /// The pending migrations could not be applied.
    #[error("the migrations could not be applied")]
    Up {
        /// What the database said.
        #[source]
        source: DbErr,
    },
    /// The applied migrations could not be rolled back.
    #[error("the migrations could not be rolled back")]
    Down {
        /// What the database said.
        #[source]
        source: DbErr,
    },
}
