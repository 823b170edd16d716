use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::ServerProcess;

/// How long a stream may be silent: it never is for longer than 15 seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client of `GET /api/v1/events`.
#[derive(Debug)]
pub struct EventWatcher(BufReader<TcpStream>);

/// An event.
#[derive(Debug, Clone)]
pub struct ToldEvent {
    /// Its type.
    pub name: String,
    /// Where to go on after it.
    pub id: String,
    /// What it tells.
    pub data: Value,
}

impl EventWatcher {
    /// Watches a server, by a query such as `?types=job`, from the start or after an event.
    ///
    /// # Panics
    /// When the server refuses.
    #[must_use]
    pub fn of(server: &ServerProcess, query: &str, after: Option<&str>) -> Self {
        let address = server.address().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let after = after.map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
        let request = format!("GET /api/v1/events{query} HTTP/1.1\r\nhost: {address}\r\n{after}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut status = String::new();
        reader.read_line(&mut status).unwrap();
        assert!(status.starts_with("HTTP/1.1 200"), "{status}");
        Self(reader)
    }

    /// The next event; `None` at the end of the stream.
    ///
    /// # Panics
    /// When the server is silent.
    #[expect(clippy::should_implement_trait, reason = "it waits for a server")]
    pub fn next(&mut self) -> Option<ToldEvent> {
        let mut fields: HashMap<String, String> = HashMap::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // The headers, and the lengths of the chunks, are no fields.
            if let Some((name @ ("event" | "id" | "data"), value)) = line.trim_end().split_once(": ") {
                fields.insert(name.to_owned(), value.to_owned());
            }
            if let (Some(name), Some(id), Some(data)) =
                (fields.get("event"), fields.get("id"), fields.get("data"))
            {
                return Some(ToldEvent {
                    name: name.clone(),
                    id: id.clone(),
                    data: serde_json::from_str(data).unwrap(),
                });
            }
        }
    }

    /// The events up to the one that is wanted.
    ///
    /// # Panics
    /// When the stream ends before.
    pub fn until(&mut self, wanted: impl Fn(&ToldEvent) -> bool) -> Vec<ToldEvent> {
        let mut all = Vec::new();
        loop {
            let told = self.next().expect("the stream goes on");
            let is_wanted = wanted(&told);
            all.push(told);
            if is_wanted {
                return all;
            }
        }
    }
}
