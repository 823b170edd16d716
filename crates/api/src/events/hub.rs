use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratchet_interfaces::{Event, EventSink};
use tokio::sync::watch;
use uuid::Uuid;

use super::filter::EventFilter;
use super::position::Position;

/// How many events are kept for those who come back.
const CAPACITY: usize = 10_000;
/// How many events are looked at while the engine may wait for the ring.
const READ_AT_ONCE: usize = 512;

/// Keeps the last events, and has those who watch read them. Nobody who reads can hold up the engine.
///
/// Before the first client has come nothing is kept: nobody has an id from which it could go on.
pub struct EventHub {
    run: Uuid,
    capacity: usize,
    ring: Mutex<Ring>,
    /// Changes when there is something new.
    news: watch::Sender<News>,
    is_watched: AtomicBool,
    clients: AtomicUsize,
}

/// The last events.
struct Ring {
    /// The number of the oldest.
    first: u64,
    events: VecDeque<Event>,
}

/// What those who watch wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct News {
    /// The number of the next event.
    next: u64,
    /// Whether there will be none any more.
    pub(crate) ended: bool,
}

/// What was read.
pub(crate) struct Reading {
    /// Those that match, each with its number.
    pub(crate) events: Vec<(u64, Event)>,
    /// How many events are gone that would have been read.
    pub(crate) missed: u64,
    /// The number of the first that was looked at.
    pub(crate) from: u64,
    /// Where to go on.
    pub(crate) next: u64,
    /// Whether there is nothing more at this moment.
    pub(crate) is_all: bool,
}

/// A client. Dropped when it has gone.
pub(crate) struct Client(Arc<EventHub>);

impl Default for EventHub {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl EventHub {
    /// Keeps so many events.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            run: Uuid::now_v7(),
            capacity,
            ring: Mutex::new(Ring {
                first: 1,
                events: VecDeque::new(),
            }),
            news: watch::Sender::new(News {
                next: 1,
                ended: false,
            }),
            is_watched: AtomicBool::new(false),
            clients: AtomicUsize::new(0),
        }
    }

    /// How many clients watch at this moment.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// There will be no event any more: streams end when they have told what there is.
    pub fn end(&self) {
        self.news.send_modify(|news| news.ended = true);
    }

    pub(crate) fn enter(self: Arc<Self>) -> Client {
        self.is_watched.store(true, Ordering::SeqCst);
        self.clients.fetch_add(1, Ordering::Relaxed);
        Client(self)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // It is whole after every statement that changes it.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for EventHub {
    fn listens(&self) -> bool {
        self.is_watched.load(Ordering::Relaxed)
    }

    fn emit(&self, events: &[Event]) {
        if events.is_empty() || !self.listens() {
            return;
        }
        let mut ring = self.ring();
        for event in events {
            if ring.events.len() == self.capacity {
                ring.events.pop_front();
                ring.first += 1;
            }
            ring.events.push_back(event.clone());
        }
        let next = ring.next();
        drop(ring);
        // Two that emit at once may come here in the other order.
        self.news
            .send_if_modified(|news| next > news.next && std::mem::replace(&mut news.next, next) != next);
    }
}

impl Client {
    pub(crate) fn subscribe(&self) -> watch::Receiver<News> {
        self.0.news.subscribe()
    }

    /// The id of the event with this number.
    pub(crate) fn position(&self, number: u64) -> Position {
        Position {
            run: self.0.run,
            number,
        }
    }

    /// The number of the next event.
    pub(crate) fn next(&self) -> u64 {
        self.0.ring().next()
    }

    /// The number of the oldest event that is kept.
    pub(crate) fn oldest(&self) -> u64 {
        self.0.ring().first
    }

    /// Reads from an event on, as far as is read at once.
    pub(crate) fn read(&self, from: u64, filter: &EventFilter) -> Reading {
        let ring = self.0.ring();
        let first = from.max(ring.first);
        let skipped = usize::try_from(first - ring.first).unwrap_or(usize::MAX);
        let seen = ring.events.iter().skip(skipped).take(READ_AT_ONCE);
        let mut next = first;
        let mut events = Vec::new();
        for event in seen {
            if filter.lets_pass(event) {
                events.push((next, event.clone()));
            }
            next += 1;
        }
        Reading {
            events,
            missed: first - from,
            from: first,
            next,
            is_all: next >= ring.next(),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Ring {
    fn next(&self) -> u64 {
        self.first + self.events.len() as u64
    }
}
