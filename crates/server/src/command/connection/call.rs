use std::time::Duration;

use axum::http::Method;
use form_urlencoded::Serializer;
use serde_json::Value;

use super::TOKEN_VARIABLE;
use crate::cli::CliError;

/// A request of the API.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(super) method: Method,
    /// Below the prefix of the API, beginning with `/`.
    path: String,
    query: Vec<(String, String)>,
    pub(super) if_match: Option<String>,
    pub(super) body: Option<Value>,
}

impl Call {
    fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            if_match: None,
            body: None,
        }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// The same with one more parameter.
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same with one more parameter, if it was given.
    pub(crate) fn with_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The same with a body.
    pub(crate) fn sending(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The same, to be done only if nothing has changed since.
    pub(crate) fn if_still(mut self, etag: Option<String>) -> Self {
        self.if_match = etag;
        self
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Path and query below `/api/v1`.
    pub(in crate::command) fn target(&self) -> String {
        let path = format!("{}{}", ratchet_api::PREFIX, self.path);
        if self.query.is_empty() {
            return path;
        }
        let mut query = Serializer::new(String::new());
        query.extend_pairs(&self.query);
        format!("{path}?{}", query.finish())
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(super) status: u16,
    /// How many seconds it asks to be left alone.
    pub(super) retry_after: Option<u64>,
    /// What it says that was read, for a change of it.
    pub(crate) etag: Option<String>,
    /// JSON; null where there was no body.
    pub(crate) body: Value,
}

impl Answer {
    /// What the envelope of one thing holds.
    pub(crate) fn data(mut self) -> Value {
        self.body["data"].take()
    }

    /// How long to wait before the same is asked again, where the server had too much to do to look at it.
    pub(super) fn pause(&self, asked: u32) -> Option<Duration> {
        const MOST_TIMES: u32 = 10;
        const LONGEST: u64 = 60;
        let is_busy = self.status == 429 && asked < MOST_TIMES;
        let seconds = self.retry_after.unwrap_or(1).clamp(1, LONGEST);
        is_busy.then(|| Duration::from_secs(seconds))
    }

    pub(super) fn accepted(self) -> Result<Self, CliError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let status = self.status;
        let told = self.body["error"]["message"].as_str().map(str::to_owned);
        let message = told.unwrap_or_else(|| format!("the answer has the status {status}, and no reason"));
        Err(match status {
            400 | 422 => CliError::Usage(message),
            401 => CliError::Failed(format!(
                "{message}. The token is taken from {TOKEN_VARIABLE}, or the file that --token-file names"
            )),
            503 => CliError::Away(message),
            _ => CliError::Failed(message),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_target_has_its_parameters_encoded() {
        let call = Call::get("/schedules")
            .with("name", "a&b c")
            .with_some("state", None::<&str>)
            .with_some("_start", Some(5));
        assert_eq!(call.target(), "/api/v1/schedules?name=a%26b+c&_start=5");
        assert_eq!(Call::delete("/jobs").target(), "/api/v1/jobs");
    }

    #[test]
    fn a_refusal_is_its_message_and_one_for_want_of_a_token_says_where_that_is_taken_from() {
        let of = |status, body| {
            let answer = Answer {
                etag: None,
                status,
                retry_after: None,
                body,
            };
            answer.accepted().map(drop).map_err(|error| error.to_string())
        };
        let error = json!({"error": {"message": "no such job"}});
        assert_eq!(of(404, error.clone()).unwrap_err(), "no such job");
        assert!(of(401, error).unwrap_err().contains("RATCHET_TOKEN"));
        assert!(of(502, Value::Null).unwrap_err().contains("502"));
        for status in [400, 422] {
            let answer = Answer {
                etag: None,
                status,
                retry_after: None,
                body: json!({"error": {"message": "name: it is empty"}}),
            };
            assert!(matches!(answer.accepted(), Err(CliError::Usage(_))), "{status}");
        }
        of(204, Value::Null).unwrap();
    }

    #[test]
    fn only_a_server_that_has_too_much_to_do_is_asked_again_and_not_for_ever() {
        let pause = |status, retry_after, asked| {
            let answer = Answer {
                etag: None,
                status,
                retry_after,
                body: Value::Null,
            };
            answer.pause(asked).map(|pause| pause.as_secs())
        };
        assert_eq!(pause(429, Some(3), 1), Some(3));
        assert_eq!(pause(429, None, 1), Some(1));
        assert_eq!(pause(429, Some(0), 1), Some(1));
        assert_eq!(pause(429, Some(86_400), 1), Some(60));
        assert_eq!(pause(429, Some(3), 10), None);
        assert_eq!(pause(503, Some(3), 1), None);
        assert_eq!(pause(200, None, 1), None);
    }
}
