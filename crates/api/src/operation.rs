use std::collections::HashMap;
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use ratchet_interfaces::Scope;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation as Documented, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, OpenApi as Document, Ref, RefOr, Required, Response, ResponseBuilder,
};

use crate::idempotency::{KEY_NAME, LONGEST_KEY};

/// What the document calls the way in which tokens are shown.
pub(crate) const BEARER: &str = "bearer";

/// Why a request with a key is refused that another with this key came before.
const KEY_TAKEN: &str = "The first request with this Idempotency-Key has no answer";

/// Something that can be done over the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Its id in the document.
    pub(crate) id: String,
    /// What it is done with.
    pub(crate) resource: String,
    /// What a token must allow.
    pub(crate) scope: Scope,
    /// The status of its answer if all goes well.
    pub(crate) success: StatusCode,
    method: Method,
}

impl Operation {
    #[cfg(test)]
    pub(crate) fn new(id: String, method: Method, scope: Scope) -> Self {
        Self {
            id,
            resource: String::new(),
            scope,
            success: StatusCode::OK,
            method,
        }
    }

    /// Whether it changes anything.
    pub(crate) fn changes(&self) -> bool {
        !self.method.is_safe() && self.scope > Scope::Read
    }
}

/// Everything that can be done, by path and method. It is read from the document, and what is not declared there cannot be
/// done.
#[derive(Debug, Default)]
pub(crate) struct Operations(HashMap<String, Vec<Arc<Operation>>>);

impl Operations {
    /// What a method of a path does, the path having its parameters in braces. HEAD is what GET is.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<&Arc<Operation>> {
        let of_path = self.0.get(path)?;
        let find = |wanted: &Method| of_path.iter().find(|operation| operation.method == *wanted);
        find(method).or_else(|| (*method == Method::HEAD).then(|| find(&Method::GET)).flatten())
    }

    /// The methods of a path, as in the header `Allow`.
    pub(crate) fn methods_of(&self, path: &str) -> String {
        let of_path = self.0.get(path).map_or(&[][..], Vec::as_slice);
        let mut methods: Vec<&str> = of_path
            .iter()
            .map(|operation| operation.method.as_str())
            .collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.join(",")
    }
}

/// Completes the document with what is the same for every operation, and reads from it what can be done.
///
/// The scope of an operation stands in its `security`. Where a handler does not say, reading takes `read` and everything
/// else `write`.
pub(crate) fn declare(document: &mut Document) -> Operations {
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(BEARER, scheme());
    for (name, response) in answers_of_all() {
        components.responses.insert(name.to_owned(), response.into());
    }
    let mut operations = Operations::default();
    for (path, item) in &mut document.paths.paths {
        let of_path = methods(item).map(|(method, documented)| {
            let operation = read(&method, path, documented);
            complete(&method, operation.scope, documented);
            if path.contains("{id}") {
                may_be_damaged(documented);
            }
            Arc::new(operation)
        });
        operations.0.insert(path.clone(), of_path.collect());
    }
    operations
}

fn methods(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Documented)> {
    [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
        (Method::HEAD, &mut item.head),
    ]
    .into_iter()
    .filter_map(|(method, documented)| Some((method, documented.as_mut()?)))
}

fn read(method: &Method, path: &str, documented: &Documented) -> Operation {
    let tag = documented.tags.as_ref().and_then(|tags| tags.first());
    Operation {
        id: documented
            .operation_id
            .clone()
            .unwrap_or_else(|| format!("{method} {path}")),
        resource: tag.cloned().unwrap_or_default(),
        scope: match &documented.security {
            Some(security) => declared(security),
            None if method.is_safe() => Scope::Read,
            None => Scope::Write,
        },
        success: success(documented),
        method: method.clone(),
    }
}

/// The status that a handler declares for what goes well: that of something new, if it has several.
fn success(documented: &Documented) -> StatusCode {
    let statuses = documented.responses.responses.keys();
    statuses
        .filter_map(|status| status.parse::<StatusCode>().ok())
        .filter(StatusCode::is_success)
        .max_by_key(|status| *status == StatusCode::CREATED)
        .unwrap_or(StatusCode::OK)
}

/// The scope that a handler declares. What cannot be understood takes the greatest.
fn declared(security: &[SecurityRequirement]) -> Scope {
    let scope = security.iter().find_map(|requirement| {
        let requirement = serde_json::to_value(requirement).ok()?;
        requirement[BEARER][0].as_str()?.parse().ok()
    });
    scope.unwrap_or(Scope::Admin)
}

fn complete(method: &Method, scope: Scope, documented: &mut Documented) {
    documented.security = Some(vec![SecurityRequirement::new(BEARER, [scope.as_str()])]);
    let mut answers = vec![
        ("401", "Unauthorized"),
        ("403", "Forbidden"),
        ("408", "Timeout"),
        ("429", "RateLimited"),
        ("500", "InternalError"),
        ("503", "Unavailable"),
    ];
    if *method == Method::POST {
        let parameters = documented.parameters.get_or_insert_with(Vec::new);
        parameters.push(RefOr::T(idempotency_key()));
        answers.push(("400", "KeyNotAllowed"));
        answers.push(("409", "KeyTaken"));
        answers.push(("422", "KeyOfAnother"));
    }
    for (status, name) in answers {
        // What a handler says itself says more.
        let answers = &mut documented.responses.responses;
        answers
            .entry(status.to_owned())
            .or_insert_with(|| RefOr::Ref(Ref::from_response_name(name)));
    }
}

/// Says of what is done with one row that the row may be damaged, beside what the handler says of conflicts.
fn may_be_damaged(documented: &mut Documented) {
    let answers = &mut documented.responses.responses;
    let others = match answers.get("409") {
        Some(RefOr::T(conflict)) if !conflict.description.is_empty() => Some(conflict.description.as_str()),
        // A handler refers to no answer: this is that of every POST.
        Some(RefOr::Ref(_)) => Some(KEY_TAKEN),
        Some(RefOr::T(_)) | None => None,
    };
    let description = match others {
        Some(others) => {
            format!("{others}; or what is stored of it cannot be read: the row and the column are named")
        }
        None => "What is stored of it cannot be read: the row and the column are named".to_owned(),
    };
    let envelope = Content::new(Some(Ref::from_schema_name("ErrorEnvelope")));
    let answer = ResponseBuilder::new()
        .description(description)
        .content("application/json", envelope);
    answers.insert("409".to_owned(), RefOr::T(answer.build()));
}

fn idempotency_key() -> Parameter {
    ParameterBuilder::new()
        .name(KEY_NAME.as_str())
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Makes it safe to send the request again: for a day, the same request with the same key gets the first answer, \
             with the header `Idempotency-Replayed: true`, and nothing is done twice.",
        ))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(LONGEST_KEY))
                .pattern(Some("^[!-~]+$"))
                .examples(["import-2026-01-05"]),
        ))
        .build()
}

fn scheme() -> SecurityScheme {
    let words = "A token, as in `Authorization: Bearer rat_…`. Its scope is `read`, `write` or `admin`, and each includes the \
                 one before. A server on loopback takes requests without a token while there is none.";
    SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("rat_<id>_<secret>")
            .description(Some(words))
            .build(),
    )
}

/// The answers that any operation may give, by their names in the document.
fn answers_of_all() -> Vec<(&'static str, Response)> {
    let header = |words: &str, kind: Type| {
        let schema = ObjectBuilder::new().schema_type(kind);
        HeaderBuilder::new()
            .schema(Some(schema.build()))
            .description(Some(words))
            .build()
    };
    let answer = |words: &str| {
        let envelope = Content::new(Some(Ref::from_schema_name("ErrorEnvelope")));
        ResponseBuilder::new()
            .description(words)
            .content("application/json", envelope)
    };
    let challenge = header("`Bearer`, and what is wrong with the token", Type::String);
    let wait = header("After how many seconds to try again", Type::Integer);
    vec![
        (
            "Unauthorized",
            answer("No token, or one that is not valid")
                .header("WWW-Authenticate", challenge)
                .build(),
        ),
        (
            "Forbidden",
            answer("The token's scope is too small, or a page of elsewhere sends the request").build(),
        ),
        ("Timeout", answer("It took too long").build()),
        (
            "RateLimited",
            answer("Too many requests").header("Retry-After", wait).build(),
        ),
        ("InternalError", answer("The server could not do it").build()),
        (
            "Unavailable",
            answer("The server starts or stops, or its database is out of reach").build(),
        ),
        (
            "KeyNotAllowed",
            answer("The request cannot be read, or a value is not allowed").build(),
        ),
        ("KeyTaken", answer(KEY_TAKEN).build()),
        (
            "KeyOfAnother",
            answer("The Idempotency-Key is that of another request").build(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::PathsBuilder;
    use utoipa::openapi::path::{HttpMethod, OperationBuilder};

    use super::*;

    fn document(method: HttpMethod, security: Option<SecurityRequirement>) -> Document {
        let operation = OperationBuilder::new()
            .operation_id(Some("it"))
            .tag("things")
            .securities(security.map(|security| vec![security]));
        let paths = PathsBuilder::new().path("/things/{id}", PathItem::new(method, operation));
        Document::new(utoipa::openapi::Info::new("a", "1"), paths)
    }

    fn scope(method: HttpMethod, security: Option<SecurityRequirement>) -> Scope {
        let mut document = document(method.clone(), security);
        let operations = declare(&mut document);
        let of_path = &operations.0["/things/{id}"];
        assert_eq!(of_path.len(), 1);
        of_path[0].scope
    }

    #[test]
    fn reading_takes_read_and_everything_else_write_unless_the_handler_says_otherwise() {
        assert_eq!(scope(HttpMethod::Get, None), Scope::Read);
        for method in [
            HttpMethod::Post,
            HttpMethod::Patch,
            HttpMethod::Delete,
            HttpMethod::Put,
        ] {
            assert_eq!(scope(method, None), Scope::Write);
        }
        let of = |scope: &str| Some(SecurityRequirement::new(BEARER, [scope]));
        assert_eq!(scope(HttpMethod::Get, of("admin")), Scope::Admin);
        assert_eq!(scope(HttpMethod::Post, of("read")), Scope::Read);
    }

    #[test]
    fn what_is_declared_and_cannot_be_understood_takes_the_greatest_scope() {
        for security in [
            SecurityRequirement::new(BEARER, ["everything"]),
            SecurityRequirement::new(BEARER, [""; 0]),
            SecurityRequirement::new("cookie", ["read"]),
            SecurityRequirement::default(),
        ] {
            assert_eq!(scope(HttpMethod::Get, Some(security)), Scope::Admin);
        }
    }

    #[test]
    fn what_is_done_with_one_row_may_answer_that_the_row_is_damaged() {
        for method in [HttpMethod::Get, HttpMethod::Post, HttpMethod::Delete] {
            let mut document = document(method, None);
            declare(&mut document);
            let document = serde_json::to_value(&document).unwrap();
            let operations = document["paths"]["/things/{id}"].as_object().unwrap();
            let conflict = &operations.values().next().unwrap()["responses"]["409"];
            let description = conflict["description"].as_str().unwrap();
            assert!(description.contains("cannot be read"), "{description}");
        }
    }

    #[test]
    fn a_method_that_is_not_declared_is_none_and_head_is_what_get_is() {
        let operations = declare(&mut document(HttpMethod::Get, None));
        let find = |method: Method, path: &str| operations.find(&method, path).is_some();
        assert!(find(Method::GET, "/things/{id}") && find(Method::HEAD, "/things/{id}"));
        assert!(!find(Method::POST, "/things/{id}") && !find(Method::GET, "/things"));
        assert_eq!(operations.methods_of("/things/{id}"), "GET,HEAD");
    }
}
