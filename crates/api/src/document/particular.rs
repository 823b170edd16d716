//! Where the example of one operation is another than that of its type: what it answers once it has done what it is for.

use serde_json::{Value, json};

use crate::document::compose::{Composer, Side};
use crate::example;

/// What stands at a place of an answer's example.
enum Particular {
    Is(fn() -> Value),
    /// An example of the schema of this name, where null would be allowed too.
    One(&'static str),
    /// The same, as it is sent: what is at its default is left out.
    AsSent(&'static str),
}

use Particular::{AsSent, Is, One};

/// By the operation's id and the place in its answer.
const PARTICULARS: [(&str, &str, Particular); 32] = [
    (
        "schedules_delete",
        "/message",
        Is(|| json!("schedule \"nightly\" was deleted")),
    ),
    (
        "jobs_delete",
        "/message",
        Is(|| json!(format!("job {} was deleted", example::JOB))),
    ),
    (
        "executions_delete",
        "/message",
        Is(|| json!(format!("execution {} was deleted", example::EXECUTION))),
    ),
    (
        "tokens_revoke",
        "/message",
        Is(|| json!("token \"deploy\" was revoked")),
    ),
    (
        "jobs_cancel",
        "/data/message",
        Is(|| json!(format!("job {} was cancelled", example::JOB))),
    ),
    ("jobs_cancel", "/data/job", One("Job")),
    ("jobs_cancel", "/data/job/status", Is(|| json!("CANCELLED"))),
    (
        "jobs_retry",
        "/data/message",
        Is(|| json!(format!("job {} was put back into the queue", example::JOB))),
    ),
    ("jobs_retry", "/data/job", One("Job")),
    ("executions_cancel", "/data/status", Is(|| json!("CANCELLED"))),
    ("executions_patch", "/data/status", Is(|| json!("CANCELLED"))),
    ("schedules_disable", "/data/enabled", Is(|| json!(false))),
    ("schedules_disable", "/data/nextRun", Is(|| Value::Null)),
    ("tasks_disable", "/data/enabled", Is(|| json!(false))),
    ("schedules_pause", "/data/pause", One("Pause")),
    ("schedules_trigger", "/data/job/origin", Is(|| json!("TRIGGER"))),
    ("jobs_create", "/data/origin", Is(|| json!("MANUAL"))),
    ("jobs_create", "/data/scheduleId", Is(|| Value::Null)),
    ("jobs_create", "/data/uniqueKey", Is(|| json!("import"))),
    ("tasks_create", "/data/name", Is(|| json!("add"))),
    ("tasks_create", "/data/description", Is(|| Value::Null)),
    ("tasks_create", "/data/registrySource", Is(|| json!("database"))),
    ("tasks_create", "/data/runtime", Is(|| json!("javascript"))),
    (
        "tasks_create",
        "/data/sourceCode",
        Is(|| json!(example::SOURCE_CODE)),
    ),
    (
        "tasks_patch",
        "/data/description",
        Is(|| json!("Adds two numbers")),
    ),
    ("tasks_patch", "/data/registrySource", Is(|| json!("database"))),
    ("schedules_export", "/data/0", AsSent("DesiredSchedule")),
    ("tokens_create", "/data/lastUsedAt", Is(|| Value::Null)),
    ("detailed", "/checks", One("Checks")),
    (
        "detailed",
        "/checks/scheduler/message",
        Is(|| json!("13 schedules, next tick 2026-01-05T09:00:00.000Z, 0 ticks on their way")),
    ),
    (
        "detailed",
        "/checks/executor/message",
        Is(|| json!("jobs run and results are delivered")),
    ),
    ("detailed", "/checks/registry/message", Is(|| json!("9 tasks"))),
];

/// Puts into the example of an operation's answer what is particular to it.
pub(super) fn particularize(operation: &str, example: &mut Value, composer: &Composer<'_>) {
    for (of, place, particular) in &PARTICULARS {
        if *of != operation {
            continue;
        }
        let value = match particular {
            Is(value) => Ok(value()),
            One(name) => composer.named(name),
            AsSent(name) => Composer {
                schemas: composer.schemas,
                side: Side::Request,
            }
            .named(name),
        };
        if let (Some(there), Ok(value)) = (example.pointer_mut(place), value) {
            *there = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::OpenApi;

    use super::*;
    use crate::router::openapi;

    #[test]
    fn each_stands_in_the_example_of_its_operation() {
        let document = openapi(OpenApi::default(), OpenApi::default()).unwrap();
        let paths = document["paths"].as_object().unwrap().values();
        let operations: Vec<_> = paths
            .flat_map(|item| item.as_object().unwrap().values())
            .collect();
        // The server has that of health beside the API.
        let of_api = PARTICULARS.iter().filter(|(of, _, _)| *of != "detailed");
        for (of, place, particular) in of_api {
            let operation = operations
                .iter()
                .find(|operation| operation["operationId"] == *of);
            let answers = &operation.unwrap()["responses"];
            let answer = answers.get("200").unwrap_or(&answers["201"]);
            let example = &answer["content"]["application/json"]["example"];
            let there = example.pointer(place).unwrap_or(&json!("nothing")).clone();
            match particular {
                Is(value) => assert_eq!(there, value(), "{of} {place}"),
                One(_) | AsSent(_) => assert!(there.is_object(), "{of} {place}: {there}"),
            }
        }
    }
}
