use serde_json::{Value, json};

use super::*;

/// A part of the document, and where it stands.
struct Part {
    place: String,
    value: Value,
}

fn whole() -> Value {
    document().unwrap()
}

/// Every operation, as in `GET /live`.
fn operations(document: &Value) -> Vec<Part> {
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().unwrap().iter();
        let operation = |(method, value): (&String, &Value)| Part {
            place: format!("{} {path}", method.to_uppercase()),
            value: value.clone(),
        };
        methods.map(operation).collect::<Vec<_>>()
    };
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(of_path).collect()
}

/// The bodies, the answers of success and the parameters, each with its schema and its example.
fn shown(document: &Value) -> Vec<Part> {
    let mut shown = Vec::new();
    for Part { place, value } in operations(document) {
        let responses = value["responses"].as_object().unwrap().iter();
        let answers = responses.filter(|(status, _)| status.starts_with('2'));
        let answers = answers.map(|(status, answer)| (format!("{place}, {status}"), &answer["content"]));
        let body = (format!("{place}, the body"), &value["requestBody"]["content"]);
        for (place, contents) in answers.chain([body]) {
            let contents = contents.as_object().into_iter().flatten();
            shown.extend(contents.map(|(kind, content)| Part {
                place: format!("{place}, {kind}"),
                value: content.clone(),
            }));
        }
        let parameters = value["parameters"].as_array().into_iter().flatten();
        shown.extend(parameters.map(|parameter| {
            let mut value = parameter.clone();
            value["example"] = parameter["schema"]["examples"][0].clone();
            Part {
                place: format!("{place}, {}", parameter["name"]),
                value,
            }
        }));
    }
    shown
}

fn assert_none(of: Vec<String>, what: &str) {
    assert!(of.is_empty(), "{} {what}:\n{}", of.len(), of.join("\n"));
}

#[test]
fn the_document_is_the_one_that_is_kept() {
    let kept = include_str!("../../../../../docs/openapi.json");
    let kept: Value = serde_json::from_str(kept).unwrap();
    assert!(
        kept == whole(),
        "docs/openapi.json is of other routes: cargo run -q -- openapi >docs/openapi.json"
    );
}

#[test]
fn every_body_answer_and_parameter_has_an_example() {
    let mut without = shown(&whole());
    without.retain(|Part { value, .. }| value["example"].is_null());
    let without = without.into_iter().map(|part| part.place).collect();
    assert_none(without, "have no example");
}

#[test]
fn every_example_is_what_its_schema_allows() {
    let document = whole();
    let mut wrong = Vec::new();
    for Part { place, value } in shown(&document) {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [value["schema"]],
            "components": document["components"],
        });
        let options = jsonschema::options().should_validate_formats(true);
        let validator = options.build(&schema).unwrap();
        let errors = validator.iter_errors(&value["example"]);
        wrong.extend(errors.map(|error| format!("{place}: {}: {error}", error.instance_path())));
    }
    assert_none(wrong, "examples are not what their schemas allow");
}

#[test]
fn every_operation_parameter_and_property_is_described() {
    let document = whole();
    let mut without = Vec::new();
    for Part { place, value } in operations(&document) {
        let parameters = value["parameters"].as_array().into_iter().flatten();
        let undescribed = parameters.filter(|parameter| !has_words(parameter, "description"));
        without.extend(undescribed.map(|parameter| format!("{place}, {}", parameter["name"])));
        if !has_words(&value, "summary") {
            without.push(place);
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        collect_undescribed(name, schema, &mut without);
    }
    assert_none(without, "are not described");
}

fn has_words(value: &Value, field: &str) -> bool {
    value[field].as_str().is_some_and(|words| !words.is_empty())
}

fn collect_undescribed(place: &str, schema: &Value, found: &mut Vec<String>) {
    let parts = ["allOf", "oneOf", "anyOf"].into_iter();
    let parts = parts.filter_map(|key| schema[key].as_array()).flatten();
    for part in parts.chain(schema.get("items")) {
        collect_undescribed(place, part, found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        // What a list is, its rows say.
        if !has_words(property, "description") && !has_words(&property["items"], "description") {
            found.push(place.clone());
        }
        collect_undescribed(&place, property, found);
    }
}
