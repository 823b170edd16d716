/// `gate` is that of its jobs: not null where `max_concurrent` is.
/// `name_lower` is what a search in any case looks at: the databases' own ideas of lower case differ.
pub(super) const CREATE: &[&str] = &["CREATE TABLE tasks (
    id {id} NOT NULL PRIMARY KEY,
    name {name} NOT NULL,
    name_lower {name} NOT NULL,
    version {name} NOT NULL,
    label TEXT,
    description TEXT,
    tags TEXT NOT NULL,
    runtime TEXT NOT NULL,
    source TEXT,
    registry TEXT NOT NULL,
    input_schema TEXT,
    output_schema TEXT,
    timeout_seconds {int},
    memory_bytes {int},
    max_concurrent {int},
    max_per_key {int},
    gate {name},
    retry TEXT,
    metadata TEXT,
    enabled {bool} NOT NULL,
    removed_at {int},
    validated_at {int},
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    CONSTRAINT tasks_name_version_key UNIQUE (name, version)
) {table}"];
