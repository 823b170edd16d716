use std::sync::{Mutex, OnceLock};

use ratchet_tests::ServerProcess;

/// The server that the tests ask: one for all of them.
pub(crate) struct Server {
    /// Scheme and authority, without a slash at its end.
    base: String,
    token: Option<String>,
    /// Whoever holds it lets it run; it ends with this process.
    _process: Option<Mutex<ServerProcess>>,
}

static SERVER: OnceLock<Server> = OnceLock::new();

impl Server {
    /// The server that `RATCHET_CONTRACT_URL` names, or one that is started for these tests.
    pub(crate) fn get() -> &'static Self {
        SERVER.get_or_init(|| match std::env::var("RATCHET_CONTRACT_URL") {
            Ok(url) => Self::elsewhere(&url),
            Err(_) => Self::own(),
        })
    }

    fn elsewhere(url: &str) -> Self {
        let base = url.trim_end_matches('/').to_owned();
        assert!(
            base.starts_with("http://"),
            "RATCHET_CONTRACT_URL is \"{url}\": it is a URL of http, as in http://127.0.0.1:8080"
        );
        Self {
            base,
            token: std::env::var("RATCHET_CONTRACT_TOKEN").ok(),
            _process: None,
        }
    }

    fn own() -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        // What many tests send at once is no flood.
        std::fs::write(folder.join("ratchet.toml"), "[server]\nrequests_per_second = 0\n").unwrap();
        let process = ServerProcess::start_for_this_process(&folder, &[]).ready();
        Self {
            base: format!("http://{}", process.address().unwrap()),
            token: None,
            _process: Some(Mutex::new(process)),
        }
    }

    /// Where a path of it is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// What requests are sent with, if it takes tokens.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}
