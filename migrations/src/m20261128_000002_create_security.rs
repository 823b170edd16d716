//! Who may use the HTTP API, who changed what over it, and what was answered to requests that may be repeated.

use async_trait::async_trait;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::dialect;
use crate::migrator::Written;

pub(crate) struct CreateSecurity;

/// A revoked token keeps its row, since the log names it, and gives its name free. `hash` is the SHA-256 of the secret, in
/// hexadecimal digits.
const TOKENS: &[&str] = &[
    "CREATE TABLE tokens (
    id {id} NOT NULL PRIMARY KEY,
    name {name} NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    hash TEXT NOT NULL,
    created_at {int} NOT NULL,
    expires_at {int},
    last_used_at {int},
    revoked_at {int}
) {clustered}",
    "CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked_at IS NULL",
];

/// The log is read newest first, and its ids are made in the order of its instants. `token_id` has no foreign key: an entry
/// outlives everything that it names. `fields` is a list in JSON.
const AUDIT_ENTRIES: &[&str] = &[
    "CREATE TABLE audit_entries (
    id {id} NOT NULL PRIMARY KEY,
    at {int} NOT NULL,
    actor {name} NOT NULL,
    token_id {id},
    peer TEXT,
    action {name} NOT NULL,
    resource {name} NOT NULL,
    resource_id {name},
    fields TEXT NOT NULL,
    status {int} NOT NULL
) {clustered}",
    "CREATE INDEX audit_entries_at ON audit_entries (at)",
    "CREATE INDEX audit_entries_actor ON audit_entries (actor, id)",
    "CREATE INDEX audit_entries_resource ON audit_entries (resource_id, id)",
];

/// `client` is the id of a token, or `local`. While `status` is NULL there is no answer yet, or it was never learnt.
const IDEMPOTENCY_KEYS: &[&str] = &[
    "CREATE TABLE idempotency_keys (
    client {name} NOT NULL,
    route {name} NOT NULL,
    idempotency_key {name} NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at {int} NOT NULL,
    status {int},
    headers TEXT,
    body TEXT,
    PRIMARY KEY (client, route, idempotency_key)
) {table}",
    "CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at)",
];

/// In the order of their creation.
const TABLES: &[(&str, &[&str])] = &[
    ("tokens", TOKENS),
    ("audit_entries", AUDIT_ENTRIES),
    ("idempotency_keys", IDEMPOTENCY_KEYS),
];

impl MigrationName for CreateSecurity {
    fn name(&self) -> &str {
        "m20261128_000002_create_security"
    }
}

#[async_trait]
impl MigrationTrait for CreateSecurity {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in self.statements() {
            dialect::execute(manager.get_connection(), statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, _) in TABLES.iter().rev() {
            dialect::execute(manager.get_connection(), &format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        // All migrations of a call share one transaction: see `migrate`.
        Some(false)
    }
}

impl Written for CreateSecurity {
    fn statements(&self) -> Vec<&'static str> {
        TABLES.iter().flat_map(|(_, create)| *create).copied().collect()
    }
}
