use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event as Frame;
use ratchet_interfaces::{Clock, Event};
use tokio::sync::watch;

use crate::auth::Permit;

use super::filter::EventFilter;
use super::hub::{Client, EventHub, News, Reading};
use super::position::Position;
use super::view::{EventView, GapReason};

/// How long nothing is sent at the most: shorter than proxies wait.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);
/// How long a client that lost the stream waits before it comes back.
const RETRY: Duration = Duration::from_secs(1);

/// A client's stream.
pub(crate) struct Watcher {
    client: Client,
    news: watch::Receiver<News>,
    clock: Arc<dyn Clock>,
    filter: EventFilter,
    /// The number of the next event to be looked at.
    next: u64,
    /// What happened to the place where the client was, until it is told.
    gap: Option<GapReason>,
    frames: VecDeque<Frame>,
    permit: Permit,
}

impl Watcher {
    pub(crate) fn new(
        hub: Arc<EventHub>,
        clock: Arc<dyn Clock>,
        filter: EventFilter,
        after: Option<Position>,
        permit: Permit,
    ) -> Self {
        let client = hub.enter();
        let news = client.subscribe();
        let (next, gap) = match after {
            None => (client.next(), None),
            Some(after) if after == client.position(after.number) && after.number < client.next() => {
                let next = after.number + 1;
                (next, (next < client.oldest()).then_some(GapReason::TooOld))
            }
            // All that is kept of this run is news to whoever has seen another.
            Some(_) => (client.oldest(), Some(GapReason::Restarted)),
        };
        let mut watcher = Self {
            client,
            news,
            clock,
            filter,
            next,
            gap,
            frames: VecDeque::new(),
            permit,
        };
        if watcher.gap == Some(GapReason::Restarted) {
            watcher.push_gap(None);
        } else {
            let hello = watcher.silence("watching").retry(RETRY);
            watcher.frames.push_back(hello);
        }
        watcher
    }

    /// The next frame; `None` when the stream has ended, or whoever reads it may not any more.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if !self.permit.holds().await {
                return None;
            }
            if let Some(frame) = self.frames.pop_front() {
                return Some(frame);
            }
            let news = *self.news.borrow_and_update();
            if self.read() {
                continue;
            }
            if news.ended {
                return None;
            }
            tokio::select! {
                biased;
                changed = self.news.changed() => if changed.is_err() {
                    return None;
                },
                () = self.clock.sleep(LONGEST_SILENCE) => return Some(self.silence("")),
                () = self.permit.in_doubt() => {}
            }
        }
    }

    /// Reads on. Says whether there is something to send, or more to read.
    fn read(&mut self) -> bool {
        let Reading {
            events,
            missed,
            from,
            next,
            is_all,
        } = self.client.read(self.next, &self.filter);
        self.next = from;
        if missed > 0 {
            self.push_gap(Some(missed));
        }
        for (number, event) in events {
            self.push(number, event);
        }
        self.next = next;
        !is_all || !self.frames.is_empty()
    }

    fn push(&mut self, number: u64, event: Event) {
        let name = event.kind().as_str();
        let frame = frame(name, self.client.position(number), &EventView::from(event));
        self.frames.push_back(frame);
    }

    fn push_gap(&mut self, missed: Option<u64>) {
        let reason = self.gap.take().unwrap_or(GapReason::FellBehind);
        let view = EventView::gap(reason, missed);
        let frame = frame("gap", self.client.position(self.next - 1), &view);
        self.frames.push_back(frame);
    }

    /// Nothing, but for where to go on: with a filter, that moves on although nothing is sent.
    fn silence(&self, comment: &str) -> Frame {
        let here = self.client.position(self.next - 1).to_string();
        Frame::default().comment(comment).id(here)
    }
}

fn frame(name: &str, id: Position, view: &EventView) -> Frame {
    let data = serde_json::to_string(view).expect("it has string keys and finite numbers only");
    Frame::default().event(name).id(id.to_string()).data(data)
}
