/// `expires_at` is on the clock of the database.
pub(super) const CREATE: &[&str] = &["CREATE TABLE leases (
    name {name} NOT NULL PRIMARY KEY,
    holder {id} NOT NULL,
    term {int} NOT NULL,
    expires_at {int} NOT NULL
) {clustered}"];
