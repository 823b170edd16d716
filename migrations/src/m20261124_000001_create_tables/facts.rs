/// What is true of the whole database.
pub(super) const CREATE: &[&str] = &["CREATE TABLE facts (
    name {name} NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) {clustered}"];
