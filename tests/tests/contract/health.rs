//! How the server is. Whoever asks needs no token.

use serde_json::Value;

use crate::client::{Answer, keys, send, send_as_it_is};
use crate::envelopes::is_instant;
use crate::made::text;

fn ask(path: &str) -> Answer {
    send_as_it_is("GET", path, &[], None)
}

#[test]
pub(crate) fn health_is_told_in_short() {
    let answer = ask("/health").expect(200);
    assert_eq!(keys(&answer.body), ["checks", "status", "timestamp", "version"]);
    assert_eq!(
        (&answer.body["status"], &answer.body["checks"]),
        (&"healthy".into(), &Value::Null)
    );
    is_instant(&answer.body["timestamp"]);
    text(&answer.body["version"]);
}

#[test]
pub(crate) fn health_is_told_in_detail() {
    let answer = send("GET", "/health/detailed", &[], None).expect(200);
    assert_eq!(keys(&answer.body), ["checks", "status", "timestamp", "version"]);
    for part in ["database", "scheduler", "registry"] {
        let check = &answer.body["checks"][part];
        assert_eq!(keys(check), ["duration_ms", "message", "status"], "{part}");
        assert_eq!(check["status"], "healthy", "{part}");
        assert!(
            !text(&check["message"]).is_empty() && check["duration_ms"].is_number(),
            "{part}: {check}"
        );
    }
}

#[test]
pub(crate) fn a_server_that_answers_is_live_and_ready() {
    for path in ["/ready", "/live"] {
        ask(path).expect(200);
    }
}
