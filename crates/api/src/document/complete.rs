//! What holds of every operation, written once: the errors that any may answer, what an error looks like, and the headers
//! of a list.

use serde_json::{Map, Value, json};

use crate::document::show::show;
use crate::events::LAST_EVENT_ID;
use crate::router::PREFIX;

/// The reference to the envelope of errors.
const ERROR: &str = "#/components/schemas/ErrorEnvelope";

/// Errors that come before a handler is asked.
struct Shared {
    status: u16,
    code: &'static str,
    description: &'static str,
    /// Of an example.
    message: &'static str,
    applies: fn(&Value) -> bool,
}

fn has_body(operation: &Value) -> bool {
    operation.get("requestBody").is_some()
}

fn has_parameters_in_the_query(operation: &Value) -> bool {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    parameters.is_some_and(|parameters| parameters.iter().any(|parameter| parameter["in"] == "query"))
}

const SHARED: [Shared; 6] = [
    Shared {
        status: 400,
        code: "BAD_REQUEST",
        description: "No JSON, or a value that is not allowed",
        message: "limit is 0: 1 to 100 are allowed",
        applies: |operation| has_body(operation) || has_parameters_in_the_query(operation),
    },
    Shared {
        status: 408,
        code: "TIMEOUT",
        description: "It took longer than 30 s",
        message: "it took longer than 30 s; what it was to change may be changed or not: read it again",
        applies: |_| true,
    },
    Shared {
        status: 413,
        code: "PAYLOAD_TOO_LARGE",
        description: "The body is larger than 2 MiB",
        message: "the body is too large: 2097152 bytes are allowed",
        applies: has_body,
    },
    Shared {
        status: 415,
        code: "UNSUPPORTED_MEDIA_TYPE",
        description: "The body is not sent as application/json",
        message: "Content-Type is \"text/plain\": a body is sent as application/json",
        applies: has_body,
    },
    Shared {
        status: 422,
        code: "VALIDATION_ERROR",
        description: "A field is missing or of another type",
        message: "missing field `name`",
        applies: has_body,
    },
    Shared {
        status: 503,
        code: "SERVICE_UNAVAILABLE",
        description: "The server starts or stops, or the database cannot be reached",
        message: "the server starts or stops: try again later",
        applies: |_| true,
    },
];

/// Of errors that operations declare themselves: status, code and an example's message.
const DECLARED: [(u16, &str, &str); 3] = [
    (
        404,
        "NOT_FOUND",
        "schedule 01935b2e-7c00-7000-8000-000000000001 does not exist",
    ),
    (
        409,
        "CONFLICT",
        "it was changed meanwhile: read it again and repeat the change",
    ),
    (
        412,
        "PRECONDITION_FAILED",
        "If-Match is \"3\", but the ETag is \"4\": read it again and repeat the change",
    ),
];

/// Adds what every operation has.
pub(super) fn complete(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for (path, operations) in paths {
        let operations = operations.as_object_mut().into_iter().flatten();
        for (_, operation) in operations {
            if path.starts_with(PREFIX) {
                for shared in &SHARED {
                    if (shared.applies)(operation) {
                        declare(operation, shared);
                    }
                }
            }
            let responses = operation["responses"].as_object_mut();
            for (status, response) in responses.into_iter().flatten() {
                if path.starts_with(PREFIX) && status.starts_with(['4', '5']) {
                    show_error(status, response);
                }
                count_rows(response);
            }
        }
    }
    separate_null(document);
    let schemas = document["components"]["schemas"].clone();
    let paths = document["paths"].as_object_mut();
    for (path, operations) in paths.into_iter().flatten() {
        for (_, operation) in operations.as_object_mut().into_iter().flatten() {
            show(path, operation, &schemas);
            let responses = operation["responses"].as_object_mut();
            for (_, response) in responses.into_iter().flatten() {
                frame_events(response);
            }
        }
    }
}

/// Says of a stream what an event is, whose data is what the operation declares, written as a text.
fn frame_events(response: &mut Value) {
    let Some(content) = response.pointer_mut("/content/text~1event-stream") else {
        return;
    };
    let (data, example) = (content["schema"].take(), content["example"].take());
    content["schema"] = json!({
        "type": "object",
        "required": ["id", "event", "data"],
        "properties": {
            "id": { "type": "string", "description": "Where to go on after it" },
            "event": { "type": "string", "description": "Its type" },
            "data": {
                "type": "string",
                "description": "What happened, as JSON",
                "contentMediaType": "application/json",
                "contentSchema": data,
            },
        },
    });
    content["example"] = json!({
        "id": LAST_EVENT_ID,
        "event": example["type"],
        "data": example.to_string(),
    });
}

/// Adds an error that the operation does not declare itself.
fn declare(operation: &mut Value, shared: &Shared) {
    let status = shared.status.to_string();
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses
            .entry(status)
            .or_insert_with(|| json!({ "description": shared.description }));
    }
}

/// Gives an error its envelope and an example.
fn show_error(status: &str, response: &mut Value) {
    let shared = SHARED
        .iter()
        .map(|shared| (shared.status, shared.code, shared.message));
    let known = shared
        .chain(DECLARED)
        .find(|(number, _, _)| number.to_string() == status);
    let Some((number, code, message)) = known else {
        return;
    };
    if response["description"] == "" {
        let words = code.to_lowercase().replace('_', " ");
        response["description"] = Value::from(words);
    }
    response["content"] = json!({
        "application/json": {
            "schema": { "$ref": ERROR },
            "example": { "error": { "code": code, "message": message, "status": number } },
        },
    });
}

/// Declares the headers of a list.
fn count_rows(response: &mut Value) {
    let schema = response.pointer("/content/application~1json/schema/$ref");
    let is_list = schema
        .and_then(Value::as_str)
        .is_some_and(|reference| reference.contains("/Many_"));
    if is_list {
        response["headers"] = json!({
            "X-Total-Count": {
                "description": "How many rows match on all pages together",
                "schema": { "type": "string", "pattern": "^[0-9]+$" },
            },
            "Content-Range": {
                "description": "Which rows these are, as in `schedules 0-24/319`",
                "schema": { "type": "string" },
            },
        });
    }
}

/// What may be null becomes one of two, so that each rule is of one type: a format is one of texts, not of null. Its
/// description is of both.
fn separate_null(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(separate_null);
            describe_both(object);
            describe_tags(object);
            let may_be_null =
                object
                    .get("type")
                    .and_then(Value::as_array)
                    .and_then(|types| match &types[..] {
                        [one, null] if null == "null" => Some(one.clone()),
                        _ => None,
                    });
            let Some(one) = may_be_null else { return };
            object.remove("type");
            let mut rules = Map::from_iter([("type".to_owned(), one)]);
            for rule in RULES {
                if let Some(value) = object.remove(rule) {
                    rules.insert(rule.to_owned(), value);
                }
            }
            object.insert("oneOf".to_owned(), json!([rules, { "type": "null" }]));
        }
        Value::Array(values) => values.iter_mut().for_each(separate_null),
        _ => {}
    }
}

/// Moves the description of what may be null to where it is of null too.
fn describe_both(object: &mut Map<String, Value>) {
    if object.contains_key("description") {
        return;
    }
    let choices = object.get_mut("oneOf").and_then(Value::as_array_mut);
    let Some([one, null]) = choices.map(Vec::as_mut_slice) else {
        return;
    };
    let described = one.as_object_mut().filter(|_| null["type"] == "null");
    if let Some(words) = described.and_then(|one| one.remove("description")) {
        object.insert("description".to_owned(), words);
    }
}

/// Describes the fields that say which of several things an object is.
fn describe_tags(object: &mut Map<String, Value>) {
    let properties = object.get_mut("properties").and_then(Value::as_object_mut);
    for (_, property) in properties.into_iter().flatten() {
        let only = match property.get("enum").and_then(Value::as_array).map(Vec::as_slice) {
            Some([only]) if property.get("description").is_none() => only.clone(),
            _ => continue,
        };
        property["description"] = Value::from(format!("It is {only}."));
    }
}

/// What says which values a type has.
const RULES: [&str; 13] = [
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "items",
    "minItems",
    "maxItems",
    "properties",
    "additionalProperties",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(operation: Value) -> Value {
        let mut document = json!({ "paths": { "/api/v1/things": { "post": operation } } });
        complete(&mut document);
        document["paths"]["/api/v1/things"]["post"].take()
    }

    #[test]
    fn an_operation_answers_the_errors_that_come_before_its_handler() {
        let operation = completed(json!({ "responses": { "404": { "description": "" } } }));
        let statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().collect();
        assert_eq!(statuses, ["404", "408", "503"]);
        let missing = &operation["responses"]["404"];
        assert_eq!(missing["description"], "not found");
        let example = &missing["content"]["application/json"]["example"]["error"];
        assert_eq!(
            (&example["status"], &example["code"]),
            (&json!(404), &json!("NOT_FOUND"))
        );

        let operation = completed(json!({ "requestBody": {}, "responses": {} }));
        let statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().collect();
        assert_eq!(statuses, ["400", "408", "413", "415", "422", "503"]);
    }

    #[test]
    fn what_an_operation_says_of_an_error_itself_stays() {
        let declared = json!({ "400": { "description": "It cannot fire" } });
        let operation = completed(json!({ "requestBody": {}, "responses": declared }));
        assert_eq!(operation["responses"]["400"]["description"], "It cannot fire");
    }

    #[test]
    fn a_list_has_its_headers() {
        let reference = json!({ "$ref": "#/components/schemas/Many_Thing" });
        let content = json!({ "application/json": { "schema": reference } });
        let operation =
            completed(json!({ "responses": { "200": { "description": "", "content": content } } }));
        let headers = operation["responses"]["200"]["headers"].as_object().unwrap();
        assert!(headers.contains_key("X-Total-Count") && headers.contains_key("Content-Range"));
    }

    #[test]
    fn null_is_a_type_beside_the_other() {
        let mut schema = json!({ "type": ["string", "null"], "format": "uuid", "description": "Of this." });
        separate_null(&mut schema);
        assert_eq!(
            schema,
            json!({ "description": "Of this.", "oneOf": [{ "type": "string", "format": "uuid" }, { "type": "null" }] })
        );
    }
}
