use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use ratchet_interfaces::Clock;
use serde_json::Value;
use sse_stream::Sse;

use super::remote::Events;
use super::{Call, Connection};
use crate::cli::{CliError, note};

/// Between two questions where nobody tells that there is something new: at first; it grows by half …
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long it is waited for an event at a time: some changes are told by none. A server is never silent for so long.
const LONGEST_SILENCE: Duration = Duration::from_secs(20);
/// How long a server that was lost is looked for, as one that is started again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until there may be something new of some jobs. A server tells it by its events; else there are pauses.
///
/// An event is a hint, and the state is read from the API: what happens before an event could be had, or is told by none,
/// is in the state that is read next. So a stream that was lost is begun anew, and not gone on with.
pub(crate) struct Watch<'a> {
    connection: &'a Connection,
    clock: Arc<dyn Clock>,
    jobs: Vec<String>,
    events: Option<Events>,
    has_heard: bool,
    /// Whether it is worth while to look for a server that has gone.
    may_come_back: bool,
    pause: Duration,
}

/// What may be new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Something of this job.
    Of(String),
    /// Anything.
    Unknown,
}

impl News {
    /// Whether a job is to be read again.
    pub(crate) fn concerns(&self, job: &str) -> bool {
        match self {
            Self::Of(id) => id == job,
            Self::Unknown => true,
        }
    }
}

impl Connection {
    /// Watches jobs from now on: what is read afterwards is no older than what is told.
    pub(crate) async fn watch(&self, clock: Arc<dyn Clock>, jobs: &[String]) -> Watch<'_> {
        let mut watch = Watch {
            connection: self,
            clock,
            jobs: jobs.to_vec(),
            events: None,
            has_heard: false,
            may_come_back: false,
            pause: FIRST_PAUSE,
        };
        watch.look_for_events().await;
        watch
    }
}

impl Watch<'_> {
    /// Reads something of the jobs, again if the server goes away meanwhile and comes back.
    pub(crate) async fn read<T>(
        &mut self,
        read: impl AsyncFn(&Connection) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        loop {
            match read(self.connection).await {
                Err(CliError::Away(_)) if self.may_come_back => self.find_again().await,
                outcome => return outcome,
            }
        }
    }

    /// Waits for news, and so long at the most, unless a server that was lost is looked for.
    pub(crate) async fn news(&mut self, longest: Option<Duration>) -> News {
        let longest = longest.unwrap_or(LONGEST_SILENCE).min(LONGEST_SILENCE);
        let Some(events) = &mut self.events else {
            self.pause(longest).await;
            self.look_for_events().await;
            return News::Unknown;
        };
        let clock = Arc::clone(&self.clock);
        let mut over = clock.sleep(longest);
        loop {
            let event = tokio::select! {
                biased;
                event = events.next() => event,
                () = &mut over => {
                    // A stream without a sign of life is a dead one.
                    if longest == LONGEST_SILENCE && !std::mem::take(&mut self.has_heard) {
                        self.events = None;
                    }
                    return News::Unknown;
                }
            };
            let Some(Ok(event)) = event else {
                self.find_again().await;
                return News::Unknown;
            };
            self.has_heard = true;
            if let Some(news) = read(&event, &self.jobs) {
                return news;
            }
        }
    }

    async fn pause(&mut self, longest: Duration) {
        self.clock.sleep(self.pause.min(longest)).await;
        self.pause = (self.pause + self.pause / 2).min(LONGEST_PAUSE);
    }

    /// Looks for a server that has broken off. If there is none, whoever reads the jobs is told why.
    async fn find_again(&mut self) {
        let began = self.clock.monotonic();
        self.events = None;
        self.pause = FIRST_PAUSE;
        let mut is_told = false;
        while self.clock.monotonic().saturating_sub(began) < PATIENCE {
            self.pause(LONGEST_PAUSE).await;
            if self.look_for_events().await {
                return;
            }
            if !std::mem::replace(&mut is_told, true) {
                note(&format!(
                    "note: the server has broken off; it is looked for, up to {} s",
                    PATIENCE.as_secs()
                ));
            }
        }
        self.may_come_back = false;
    }

    /// Has events told again, if there is a server that does.
    async fn look_for_events(&mut self) -> bool {
        let Some(server) = self.connection.remote() else {
            return false;
        };
        // Where there are none, there are pauses, and whoever reads the jobs is told what is wrong with the server.
        self.events = server.events(self.call()).await.ok();
        if self.events.is_some() {
            self.pause = FIRST_PAUSE;
            self.may_come_back = true;
        }
        self.events.is_some()
    }

    fn call(&self) -> Call {
        let only = match &*self.jobs {
            [only] => Some(only),
            _ => None,
        };
        Call::get("/events")
            .with("types", "job,execution")
            .with_some("jobId", only)
    }
}

/// What an event tells, if that is of one of these jobs.
fn read(event: &Sse, jobs: &[String]) -> Option<News> {
    let data: Value = serde_json::from_str(event.data.as_ref()?).ok()?;
    if data["type"] == "gap" {
        return Some(News::Unknown);
    }
    let id = data["jobId"].as_str()?;
    let is_watched = jobs.iter().any(|job| job == id);
    is_watched.then(|| News::Of(id.to_owned()))
}

#[cfg(test)]
mod tests;
