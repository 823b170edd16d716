//! Gives every body, answer and parameter its example.

use serde_json::{Map, Value, json};

use crate::document::compose::{Composer, Missing, Side, stated};
use crate::document::particular::particularize;
use crate::example;

/// How parameters of a list say how a field is compared.
const SUFFIXES: [&str; 5] = ["_like", "_ne", "_in", "_gte", "_lte"];

/// Texts of parameters that no field of a row has a value for.
const TEXTS: [(&str, &str); 8] = [
    ("If-Match", "\"3\""),
    ("concurrencyKey", "source-a"),
    ("errorMessage", "connection refused"),
    ("lastError", "503"),
    ("errorKind", "TIMEOUT"),
    ("reason", "missed"),
    (
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ),
    ("uniqueKey", "import"),
];

/// Gives the operation of this path its examples.
pub(super) fn show(path: &str, operation: &mut Value, schemas: &Value) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    let composer = |side| Composer { schemas, side };
    for (_, content) in fields_of(operation.pointer_mut("/requestBody/content")) {
        let particular = |_: &mut Value| {};
        state(content, &composer(Side::Request), particular);
    }
    let answers = composer(Side::Answer);
    let mut answered = Value::Null;
    for (status, answer) in fields_of(operation.get_mut("responses")) {
        if status.starts_with('2') {
            for (_, content) in fields_of(answer.get_mut("content")) {
                state(content, &answers, |example| {
                    particularize(&id, example, &answers);
                });
                answered = content["example"].clone();
            }
        }
    }
    let row = answered.pointer("/data/0").cloned().unwrap_or_default();
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    let Some(parameters) = parameters else { return };
    let unchanged = parameters.clone();
    for parameter in parameters {
        name_the_resource(path, parameter);
        let example = of_parameter(parameter, &unchanged, &row, path);
        if let (Ok(example), Some(schema)) = (example, parameter["schema"].as_object_mut()) {
            // Pages that show the document fill a form with `example`, and nobody asks for everything at once.
            schema.remove("example");
            schema.insert("examples".to_owned(), json!([example]));
        }
    }
}

fn fields_of(value: Option<&mut Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    let object = value.and_then(Value::as_object_mut);
    object
        .into_iter()
        .flat_map(|object: &mut Map<_, _>| object.iter_mut())
}

/// Gives a content that has no example the one of its schema. Where none can be composed it has none, which a test finds.
fn state(content: &mut Value, composer: &Composer<'_>, particularize: impl FnOnce(&mut Value)) {
    if content.get("example").is_some() {
        return;
    }
    let schema = &content["schema"];
    // A body that may be left out.
    let one = schema.pointer("/oneOf/0").unwrap_or(schema);
    if let Ok(mut example) = composer.compose("", one) {
        particularize(&mut example);
        content["example"] = example;
    }
}

/// Describes the `{id}` of a path.
fn name_the_resource(path: &str, parameter: &mut Value) {
    if parameter["in"] != "path" || parameter.get("description").is_some() {
        return;
    }
    if let Some((noun, _)) = resource(path).and_then(example::one_of) {
        parameter["description"] = Value::from(format!("The id of the {noun}."));
    }
}

/// The resource of which a path has an id.
fn resource(path: &str) -> Option<&str> {
    path.split("/{").next()?.rsplit('/').next()
}

fn of_parameter(parameter: &Value, all: &[Value], row: &Value, path: &str) -> Result<Value, Missing> {
    let name = parameter["name"].as_str().unwrap_or_default();
    let schema = &parameter["schema"];
    if let Some(stated) = parameter.get("example").or_else(|| stated(schema)) {
        return Ok(stated.clone());
    }
    if parameter["in"] == "path" {
        let id = resource(path).and_then(example::one_of);
        return id
            .map(|(_, id)| Value::from(id))
            .ok_or_else(|| Missing(name.to_owned()));
    }
    let suffix = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix));
    let field = suffix.unwrap_or(name);
    if let Some(value) = row.get(field).filter(|value| !value.is_null()) {
        return Ok(as_sent(value, schema));
    }
    if let Some((_, text)) = TEXTS.iter().find(|(of, _)| *of == field) {
        return Ok(Value::from(*text));
    }
    if schema["type"] == "boolean" {
        return Ok(Value::from(true));
    }
    let composer = Composer {
        schemas: &Value::Null,
        side: Side::Request,
    };
    composer.compose(field, schema).or_else(|missing| {
        // Of several values with commas between them, the type is known from the parameter that takes one.
        let plain = all.iter().find(|other| other["name"] == field);
        composer.compose(field, &plain.ok_or(missing)?["schema"])
    })
}

/// A value of a row as a parameter has it: one of several with commas between them is a text.
fn as_sent(value: &Value, schema: &Value) -> Value {
    match value {
        Value::String(_) => value.clone(),
        _ if schema["type"] == "string" => Value::from(value.to_string()),
        _ => value.clone(),
    }
}
