//! Requests, and what is expected of every answer.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::server::Server;

/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the paths of resources begin with.
const PREFIX: &str = "/api/v1";

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What was asked, for messages.
    asked: String,
    pub(crate) status: u16,
    /// By their names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) text: String,
    /// The body as JSON; null where it is none.
    pub(crate) body: Value,
}

/// GET of a path below the prefix.
pub(crate) fn get(path: &str) -> Answer {
    send("GET", &under(path), &[], None)
}

/// POST with a JSON body.
pub(crate) fn post(path: &str, body: &Value) -> Answer {
    send_json("POST", path, &[], body)
}

/// POST without a body.
pub(crate) fn act(path: &str) -> Answer {
    send("POST", &under(path), &[], None)
}

/// PATCH with a JSON body.
pub(crate) fn patch(path: &str, body: &Value) -> Answer {
    send_json("PATCH", path, &[], body)
}

/// DELETE.
pub(crate) fn delete(path: &str) -> Answer {
    send("DELETE", &under(path), &[], None)
}

/// A JSON body with any method and headers, to a path below the prefix.
pub(crate) fn send_json(method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut headers = headers.to_vec();
    headers.push((CONTENT_TYPE.as_str(), "application/json"));
    send(method, &under(path), &headers, Some(&body.to_string()))
}

/// The path of a resource.
pub(crate) fn under(path: &str) -> String {
    format!("{PREFIX}{path}")
}

/// Anything, to any path of the server.
pub(crate) fn send(method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
    let mut headers = headers.to_vec();
    let bearer = Server::get().token().map(|token| format!("Bearer {token}"));
    if let Some(bearer) = &bearer {
        headers.push((AUTHORIZATION.as_str(), bearer));
    }
    send_as_it_is(method, path, &headers, body)
}

/// As [`send`], without the token.
pub(crate) fn send_as_it_is(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> Answer {
    let mut request = Request::builder()
        .method(method.parse::<Method>().unwrap())
        .uri(Server::get().url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Full::new(Bytes::from(body.unwrap_or_default().to_owned()));
    let request = request.body(body).unwrap();
    let asked = format!("{method} {path}");
    let answer = runtime().block_on(async {
        tokio::time::timeout(PATIENCE, async {
            let answer = client().request(request).await.unwrap_or_else(|error| {
                panic!("{asked} is not answered: {error:?}");
            });
            let (head, body) = answer.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            (head, String::from_utf8(body.to_vec()).unwrap())
        })
        .await
    });
    let (head, text) = answer.unwrap_or_else(|_| panic!("{asked} is not answered within {PATIENCE:?}"));
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
    Answer {
        asked,
        status: head.status.as_u16(),
        headers: headers.collect(),
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}

type HttpClient = Client<HttpConnector, Full<Bytes>>;

fn client() -> &'static HttpClient {
    static CLIENT: OnceLock<HttpClient> = OnceLock::new();
    CLIENT.get_or_init(|| Client::builder(TokioExecutor::new()).build_http())
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

/// A value as a part of a query.
pub(crate) fn escaped(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}

/// Asks again and again until there is something, which there must be within a patience.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "within {PATIENCE:?} it never was so: {what}"
        );
    }
}

impl Answer {
    /// That it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        self
    }

    /// The one thing that it is about, with status 200.
    #[track_caller]
    pub(crate) fn data(self) -> Value {
        self.expect(200).one()
    }

    /// The one thing that was created.
    #[track_caller]
    pub(crate) fn created(self) -> Value {
        self.expect(201).one()
    }

    #[track_caller]
    fn one(mut self) -> Value {
        assert_eq!(keys(&self.body), ["data"], "{}: {}", self.asked, self.text);
        self.body["data"].take()
    }

    /// The rows of a page.
    #[track_caller]
    pub(crate) fn rows(self) -> Vec<Value> {
        let answer = self.expect(200);
        match &answer.body["data"] {
            Value::Array(rows) => rows.clone(),
            _ => panic!("{} is no list: {}", answer.asked, answer.text),
        }
    }

    /// How many rows there are on all pages.
    #[track_caller]
    pub(crate) fn total(&self) -> u64 {
        let total = &self.body["meta"]["pagination"]["total"];
        total
            .as_u64()
            .unwrap_or_else(|| panic!("{} has no total: {}", self.asked, self.text))
    }

    /// That it is an error of this status and code, in the envelope and with nothing beside it; its message.
    #[track_caller]
    pub(crate) fn error(&self, status: u16, code: &str) -> &str {
        let message = self.any_error(status);
        assert_eq!(self.body["error"]["code"], code, "{}: {}", self.asked, self.text);
        message
    }

    /// That it is an error of this status, whatever its code.
    #[track_caller]
    pub(crate) fn any_error(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        assert_eq!(keys(&self.body), ["error"], "{}: {}", self.asked, self.text);
        let error = &self.body["error"];
        assert_eq!(
            (keys(error), &error["status"]),
            (vec!["code", "message", "status"], &json!(status)),
            "{}: {}",
            self.asked,
            self.text
        );
        let code = error["code"].as_str().unwrap();
        let is_of_code = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        assert!(!code.is_empty() && code.chars().all(is_of_code), "{}", self.text);
        error["message"].as_str().filter(|text| !text.is_empty()).unwrap()
    }
}

/// The names of an object's members, in their alphabetical order; none of anything else.
pub(crate) fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object
        .as_object()
        .map(|object| object.keys().map(String::as_str).collect())
        .unwrap_or_default();
    keys.sort_unstable();
    keys
}

/// That an object has each of these members, whatever their values.
#[track_caller]
pub(crate) fn has(object: &Value, fields: &str) {
    for field in fields.split_whitespace() {
        assert!(object.get(field).is_some(), "{field} is missing: {object}");
    }
}
