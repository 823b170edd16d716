/// `name_lower` is what a search in any case looks at: the databases' own ideas of lower case differ.
pub(super) const CREATE: &[&str] = &["CREATE TABLE tasks (
    id {id} NOT NULL PRIMARY KEY,
    name {name} NOT NULL,
    name_lower {name} NOT NULL,
    version {name} NOT NULL,
    description TEXT,
    runtime TEXT NOT NULL,
    registry TEXT NOT NULL,
    input_schema TEXT,
    output_schema TEXT,
    metadata TEXT,
    enabled {bool} NOT NULL,
    validated_at {int},
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    CONSTRAINT tasks_name_version_key UNIQUE (name, version)
) {table}"];
