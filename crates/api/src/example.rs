//! What examples of the document have in common: the ids and the instant that stand in several.

use serde_json::{Value, json};

/// The embedded task `wait`, so that an example can be sent as it stands.
pub(crate) const TASK: &str = "00000000-0000-0000-0000-000000000002";
pub(crate) const SCHEDULE: &str = "01935b2e-7c00-7000-8000-000000000001";
pub(crate) const JOB: &str = "01935b2e-7c00-7000-8000-000000000002";
/// A job that another is after.
pub(crate) const JOB_BEFORE: &str = "01935b2e-7c00-7000-8000-000000000003";
pub(crate) const EXECUTION: &str = "01935b2e-7c00-7000-8000-000000000004";
pub(crate) const DELIVERY: &str = "01935b2e-7c00-7000-8000-000000000005";
pub(crate) const TOKEN: &str = "01935b2e-7c00-7000-8000-000000000006";
pub(crate) const AUDIT_ENTRY: &str = "01935b2e-7c00-7000-8000-000000000007";
/// A process that runs jobs.
pub(crate) const NODE: &str = "01935b2e-7c00-7000-8000-000000000008";
/// A task in JavaScript.
pub(crate) const SOURCE_CODE: &str = "(input) => ({ sum: input.a + input.b })";
/// A Monday, at nine o'clock in Berlin.
pub(crate) const INSTANT: &str = "2026-01-05T08:00:00Z";

/// What stands in fields of this name, which can be anything.
pub(crate) fn anything_called(name: &str) -> Option<Value> {
    Some(match name {
        "input" => json!({ "seconds": 0.8 }),
        "output" => json!({ "waitedSeconds": 0.8 }),
        "inputSchema" => json!({ "type": "object" }),
        "before" => json!("0 2 * * *"),
        "after" => json!("30 2 * * *"),
        _ => return None,
    })
}

/// What the resource of a path is called, and the id of one.
const RESOURCES: [(&str, &str, &str); 5] = [
    ("schedules", "schedule", SCHEDULE),
    ("jobs", "job", JOB),
    ("executions", "execution", EXECUTION),
    ("tasks", "task", TASK),
    ("tokens", "token", TOKEN),
];

/// What one of a resource is called, and the id of one.
pub(crate) fn one_of(resource: &str) -> Option<(&'static str, &'static str)> {
    let known = RESOURCES.iter().find(|(several, _, _)| *several == resource);
    known.map(|(_, noun, id)| (*noun, *id))
}

/// An id that stands in a field of this name: that of a job in `jobId`.
pub(crate) fn id_called(name: &str) -> Option<&'static str> {
    let beside = [("delivery", DELIVERY)];
    let mut ids = RESOURCES.iter().map(|(_, noun, id)| (*noun, *id)).chain(beside);
    ids.find(|(noun, _)| name.strip_suffix("Id") == Some(noun))
        .map(|(_, id)| id)
}
