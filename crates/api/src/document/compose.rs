//! Examples of whole values, composed of those that stand beside the fields of which they consist.

use serde_json::{Map, Value};

use crate::example;

/// What an example is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// What is sent: a field that may be left out is there if an example stands beside it.
    Request,
    /// What is answered: every field is there.
    Answer,
}

/// The place of a field that has no example, and whose schema leaves open what one could be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missing(pub(super) String);

impl Missing {
    fn within(self, name: &str) -> Self {
        match name {
            "" => self,
            _ => Self(format!("{name}.{}", self.0)),
        }
    }
}

/// Composes examples of schemas that refer to these.
pub(super) struct Composer<'a> {
    pub(super) schemas: &'a Value,
    pub(super) side: Side,
}

impl Composer<'_> {
    /// An example of a value of this schema, which is called `name` where it stands.
    pub(super) fn compose(&self, name: &str, schema: &Value) -> Result<Value, Missing> {
        if let Some(stated) = stated(schema) {
            return Ok(stated.clone());
        }
        if let Some(default) = schema.get("default") {
            return Ok(default.clone());
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return self.named(reference.rsplit('/').next().unwrap_or(reference));
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return self.all(name, parts);
        }
        if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
            if choices.iter().any(|choice| choice["type"] == "null") {
                return Ok(Value::Null);
            }
            let first = choices.first().ok_or_else(|| Missing(name.to_owned()))?;
            return self.compose(name, first);
        }
        if let Some(first) = schema.pointer("/enum/0") {
            return Ok(first.clone());
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            return self
                .object(properties, schema)
                .map_err(|missing| missing.within(name));
        }
        if let Some(items) = schema.get("items") {
            return Ok(Value::Array(vec![self.compose(name, items)?]));
        }
        let text = match schema["format"].as_str() {
            Some("date-time") => Some(example::INSTANT),
            Some("uuid") => example::id_called(name),
            _ => None,
        };
        text.map(Value::from).ok_or_else(|| Missing(name.to_owned()))
    }

    /// An example of one of the schemas that have names.
    pub(super) fn named(&self, name: &str) -> Result<Value, Missing> {
        let schema = self
            .schemas
            .get(name)
            .ok_or_else(|| Missing(format!("the schema {name}")))?;
        self.compose(name, schema)
    }

    /// An object of all fields of the parts.
    fn all(&self, name: &str, parts: &[Value]) -> Result<Value, Missing> {
        let mut whole = Map::new();
        for part in parts {
            match self.compose(name, part)? {
                Value::Object(fields) => whole.extend(fields),
                _ => return Err(Missing(name.to_owned())),
            }
        }
        Ok(Value::Object(whole))
    }

    fn object(&self, properties: &Map<String, Value>, schema: &Value) -> Result<Value, Missing> {
        let required = schema["required"].as_array();
        let mut object = Map::new();
        for (name, property) in properties {
            let must_be = required.is_some_and(|required| required.iter().any(|field| field == name));
            let known = || is_anything(property).then(|| example::anything_called(name))?;
            let value = match (stated(property).cloned().or_else(known), self.side) {
                (Some(known), _) => known,
                (None, Side::Request) if !must_be => continue,
                // Anything, and nothing that is known.
                (None, Side::Answer) if !must_be && is_anything(property) => Value::Null,
                (None, _) => self.compose(name, property)?,
            };
            object.insert(name.clone(), value);
        }
        Ok(Value::Object(object))
    }
}

/// The example that stands beside a value, also where it may be null.
pub(super) fn stated(schema: &Value) -> Option<&Value> {
    let of_choice = || {
        let choices = schema.get("oneOf")?.as_array()?;
        let may_be_null = choices.iter().any(|choice| choice["type"] == "null");
        let mut stated = choices.iter().filter_map(beside);
        stated.next().filter(|_| may_be_null)
    };
    beside(schema).or_else(of_choice)
}

fn beside(schema: &Value) -> Option<&Value> {
    schema.get("example").or_else(|| schema.pointer("/examples/0"))
}

fn is_anything(schema: &Value) -> bool {
    let mut rules = schema.as_object().into_iter().flat_map(Map::keys);
    rules.all(|rule| rule == "description")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schemas() -> Value {
        json!({
            "Colour": { "type": "string", "enum": ["RED", "BLUE"] },
            "Thing": {
                "required": ["id", "colour", "at", "names"],
                "properties": {
                    "id": { "type": "string", "example": "a" },
                    "colour": { "$ref": "#/components/schemas/Colour" },
                    "at": { "type": "string", "format": "date-time" },
                    "names": { "type": "array", "items": { "type": "string", "example": "b" } },
                    "note": { "oneOf": [{ "type": "string" }, { "type": "null" }] },
                    "count": { "example": 3, "oneOf": [{ "type": "integer" }, { "type": "null" }] },
                    "rest": { "description": "Anything." },
                },
            },
        })
    }

    #[test]
    fn an_answer_has_every_field_and_a_request_those_that_it_needs_or_shows() {
        let schemas = schemas();
        let of = |side| {
            Composer {
                schemas: &schemas,
                side,
            }
            .named("Thing")
        };
        let shown = json!({ "id": "a", "colour": "RED", "at": example::INSTANT, "names": ["b"], "count": 3 });
        assert_eq!(of(Side::Request), Ok(shown.clone()));
        let mut answered = shown;
        answered["note"] = Value::Null;
        answered["rest"] = Value::Null;
        assert_eq!(of(Side::Answer), Ok(answered));
    }

    #[test]
    fn a_value_that_consists_of_several_has_the_fields_of_all() {
        let schemas = schemas();
        let composer = Composer {
            schemas: &schemas,
            side: Side::Answer,
        };
        let more =
            json!({ "required": ["more"], "properties": { "more": { "type": "boolean", "example": true } } });
        let whole = json!({ "allOf": [{ "$ref": "#/components/schemas/Thing" }, more] });
        let composed = composer.compose("", &whole).unwrap();
        assert_eq!((&composed["id"], &composed["more"]), (&json!("a"), &json!(true)));
    }

    #[test]
    fn a_field_of_which_nothing_is_known_is_named() {
        let composer = Composer {
            schemas: &Value::Null,
            side: Side::Answer,
        };
        let of_data = json!({ "properties": { "words": { "type": "string" } }, "required": ["words"] });
        let schema = json!({ "properties": { "data": of_data }, "required": ["data"] });
        assert_eq!(
            composer.compose("", &schema),
            Err(Missing("data.words".to_owned()))
        );
    }
}
