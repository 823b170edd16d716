use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ratchet_outbound::{OutboundError, OutboundRequest, OutboundResponse};
use ratchet_registry::{FetchMock, MockAnswer};
use ratchet_runtimes::Fetch;

/// Answers the requests of a task under test from its test's mocks. Nothing reaches the network.
pub(super) struct Mocks {
    mocks: Vec<FetchMock>,
    unanswered: Mutex<Vec<String>>,
}

impl Mocks {
    pub(super) const fn new(mocks: Vec<FetchMock>) -> Self {
        Self {
            mocks,
            unanswered: Mutex::new(Vec::new()),
        }
    }

    /// The requests that no mock answered.
    pub(super) fn unanswered(&self) -> Vec<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        // The list is whole after every statement that changes it.
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Fetch for Mocks {
    async fn fetch(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let OutboundRequest { method, url, .. } = request;
        let Some(mock) = self.mocks.iter().find(|mock| mock.answers(&method, &url)) else {
            self.lock().push(format!("{method} {url}"));
            let source = "no mock of the test answers it".into();
            return Err(OutboundError::Unreachable { host: url, source });
        };
        match &mock.answer {
            MockAnswer::Error(reason) => Err(OutboundError::Unreachable {
                host: url,
                source: reason.as_str().into(),
            }),
            MockAnswer::Response {
                status,
                headers,
                body,
            } => Ok(OutboundResponse {
                status: *status,
                url,
                headers: headers
                    .iter()
                    .map(|(name, value)| (name.to_lowercase(), value.clone()))
                    .collect(),
                body: body.clone().into_bytes(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_mock_that_suits_answers_and_what_none_answers_is_kept() {
        let mock = |url: &str, answer| FetchMock {
            url: url.to_owned(),
            method: None,
            answer,
        };
        let mocks = Mocks::new(vec![
            mock("https://a.example/", MockAnswer::Error("away".to_owned())),
            mock(
                "https://a.example/*",
                MockAnswer::Response {
                    status: 201,
                    headers: vec![("X-Id".to_owned(), "7".to_owned())],
                    body: "made".to_owned(),
                },
            ),
        ]);
        let ask = async |url: &str| mocks.fetch(OutboundRequest::new("POST", url)).await;
        let away = ask("https://a.example/").await.unwrap_err();
        assert_eq!(
            ratchet_interfaces::with_causes(&away),
            "https://a.example/: it cannot be reached: away"
        );
        let made = ask("https://a.example/things").await.unwrap();
        assert_eq!(
            (made.status, made.header("x-id"), &made.body[..]),
            (201, Some("7"), &b"made"[..])
        );
        assert_eq!(mocks.unanswered(), Vec::<String>::new());
        assert!(ask("https://b.example/").await.is_err());
        assert_eq!(mocks.unanswered(), ["POST https://b.example/"]);
    }
}
