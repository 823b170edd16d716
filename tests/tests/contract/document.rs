//! The server's own description: `/api-docs/openapi.json`.

use std::sync::OnceLock;

use serde_json::Value;

use crate::client::send;

/// The methods that an operation can have.
pub(crate) const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Something that can be done.
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    /// With `{id}` for an id.
    pub(crate) path: &'static str,
    described: &'static Value,
}

/// Something that may be given in the query or a header.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    place: &'static str,
    pub(crate) is_required: bool,
    pub(crate) schema: &'static Value,
}

/// The document.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| send("GET", "/api-docs/openapi.json", &[], None).expect(200).body)
}

/// All that can be done.
pub(crate) fn operations() -> Vec<Operation> {
    let paths = document()["paths"].as_object().unwrap();
    let of_path = |(path, item): (&'static String, &'static Value)| {
        METHODS.into_iter().filter_map(move |method| {
            let described = item.get(method.to_ascii_lowercase())?;
            Some(Operation {
                method,
                path: path.as_str(),
                described,
            })
        })
    };
    paths.iter().flat_map(of_path).collect()
}

/// All lists: what can be asked for in pages.
pub(crate) fn lists() -> Vec<Operation> {
    let mut lists = operations();
    lists.retain(|operation| {
        operation
            .query()
            .iter()
            .any(|parameter| parameter.name == "_start")
    });
    lists
}

impl Operation {
    fn parameters(&self) -> Vec<Parameter> {
        let parameters = self.described["parameters"].as_array();
        let parameters = parameters.into_iter().flatten().map(resolved);
        let parameter = |parameter: &'static Value| Parameter {
            name: parameter["name"].as_str().unwrap(),
            place: parameter["in"].as_str().unwrap(),
            is_required: parameter["required"] == true,
            schema: resolved(&parameter["schema"]),
        };
        parameters.map(parameter).collect()
    }

    /// What its query may have.
    pub(crate) fn query(&self) -> Vec<Parameter> {
        let mut parameters = self.parameters();
        parameters.retain(|parameter| parameter.place == "query");
        parameters
    }

    /// Whether it is about one thing, whose id its path has.
    pub(crate) fn is_of_one(&self) -> bool {
        self.path.contains('{')
    }

    /// Whether it may have a header of this name.
    pub(crate) fn takes_header(&self, name: &str) -> bool {
        let is_it =
            |parameter: &Parameter| parameter.place == "header" && parameter.name.eq_ignore_ascii_case(name);
        self.parameters().iter().any(is_it)
    }

    /// An example of its answer, if that is JSON.
    pub(crate) fn answer(&self) -> Option<&'static Value> {
        self.described
            .pointer("/responses/200/content/application~1json/example")
    }

    /// Whether it must have a body.
    pub(crate) fn needs_body(&self) -> bool {
        self.described["requestBody"]["required"] == true
    }
}

impl Parameter {
    /// The values that it can have, where they are known.
    pub(crate) fn values(&self) -> Vec<&'static str> {
        let values = self.schema["enum"].as_array();
        values.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(crate) fn is(&self, kind: &str) -> bool {
        self.schema["type"] == kind
    }

    pub(crate) fn has_format(&self, format: &str) -> bool {
        self.schema["format"] == format
    }
}

/// What a reference stands for.
fn resolved(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document().pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}
