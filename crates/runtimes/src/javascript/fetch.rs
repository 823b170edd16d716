use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use ratchet_interfaces::{TaskErrorKind, with_causes};
use ratchet_outbound::{OutboundError, OutboundRequest, OutboundResponse};
use rquickjs::{ArrayBuffer, Ctx, Exception, Function, Object, Value};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::control::Event;
use crate::Fetch;

/// The fetches of one run. Dropped, it breaks them off.
pub(super) struct Fetches {
    fetch: Arc<dyn Fetch>,
    tokio: Handle,
    events: Sender<Event>,
    /// How large an answer may be: it is held outside of the engine until the script takes it.
    max_body_bytes: usize,
    slots: Arc<Semaphore>,
    tasks: RefCell<JoinSet<()>>,
    pending: Cell<usize>,
}

impl Fetches {
    /// So many requests are under way at once; further ones wait.
    const AT_ONCE: usize = 16;
    /// More that wait are refused: they are outside of the memory that is counted as the task's.
    const MOST: usize = 1000;
    const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

    pub(super) fn new(
        fetch: Arc<dyn Fetch>,
        tokio: Handle,
        events: Sender<Event>,
        memory_bytes: usize,
    ) -> Self {
        Self {
            fetch,
            tokio,
            events,
            max_body_bytes: Self::MAX_BODY_BYTES.min(memory_bytes / 4),
            slots: Arc::new(Semaphore::new(Self::AT_ONCE)),
            tasks: RefCell::default(),
            pending: Cell::new(0),
        }
    }

    pub(super) fn are_pending(&self) -> bool {
        self.pending.get() > 0
    }

    pub(super) fn start<'js>(&self, ctx: &Ctx<'js>, id: u32, asked: Asked<'js>) -> rquickjs::Result<()> {
        if self.pending.get() == Self::MOST {
            let message = format!("fetch: no more than {} can be waited for at once", Self::MOST);
            return Err(Exception::throw_range(ctx, &message));
        }
        let request = self.request(asked)?;
        let (fetch, events, slots) = (
            Arc::clone(&self.fetch),
            self.events.clone(),
            Arc::clone(&self.slots),
        );
        let task = async move {
            // The semaphore is never closed.
            let _slot = slots.acquire().await;
            let outcome = fetch.fetch(request).await;
            // A run that has ended does not listen.
            let _ = events.send(Event::Fetched { id, outcome });
        };
        self.tasks.borrow_mut().spawn_on(task, &self.tokio);
        self.pending.set(self.pending.get() + 1);
        Ok(())
    }

    fn request<'js>(&self, asked: Asked<'js>) -> rquickjs::Result<OutboundRequest> {
        let mut request = OutboundRequest::new(asked.method, asked.url);
        let mut texts = asked.headers.into_iter();
        while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
            request = request.with_header(name, value);
        }
        if let Some(text) = asked.body.as_string() {
            request.body = text.to_string()?.into_bytes();
        } else if let Some(bytes) = asked.body.as_array() {
            request.body = bytes.iter::<u8>().collect::<rquickjs::Result<_>>()?;
        }
        if asked.timeout_milliseconds > 0.0 {
            request.timeout =
                Duration::try_from_secs_f64(asked.timeout_milliseconds / 1000.0).unwrap_or(Duration::MAX);
        }
        if !asked.follow {
            request.max_redirects = 0;
        }
        request.max_body_bytes = self.max_body_bytes;
        Ok(request)
    }

    /// Tells the script what came of a fetch.
    pub(super) fn settle<'js>(
        &self,
        ctx: &Ctx<'js>,
        settle: &Function<'js>,
        id: u32,
        outcome: Result<OutboundResponse, OutboundError>,
    ) -> rquickjs::Result<()> {
        self.pending.set(self.pending.get() - 1);
        while self.tasks.borrow_mut().try_join_next().is_some() {}
        match outcome {
            Err(error) => {
                let kind = kind_of(&error).as_str();
                settle.call((id, format!("fetch: {}", with_causes(&error)), kind))
            }
            Ok(response) => {
                let answer = Object::new(ctx.clone())?;
                answer.set("status", response.status)?;
                answer.set("statusText", response.status_text())?;
                answer.set("text", String::from_utf8_lossy(&response.body).as_ref())?;
                if ctx.globals().contains_key("ArrayBuffer")? {
                    answer.set("bytes", ArrayBuffer::new_copy(ctx.clone(), &response.body)?)?;
                }
                let headers = response.headers.into_iter();
                let pairs: Vec<String> = headers.flat_map(|(name, value)| [name, value]).collect();
                answer.set("headers", pairs)?;
                answer.set("url", response.url)?;
                settle.call((id, rquickjs::Null, "", answer))
            }
        }
    }
}

/// What a script asks `fetch` for.
pub(super) struct Asked<'js> {
    pub(super) method: String,
    pub(super) url: String,
    /// Names and values in turn.
    pub(super) headers: Vec<String>,
    /// Text, an array of bytes, or nothing.
    pub(super) body: Value<'js>,
    /// 0 is the default.
    pub(super) timeout_milliseconds: f64,
    pub(super) follow: bool,
}

/// The kind of failure that a task has which does not catch this.
fn kind_of(error: &OutboundError) -> TaskErrorKind {
    match error {
        OutboundError::Forbidden { .. } => TaskErrorKind::Permission,
        OutboundError::InvalidRequest { .. } => TaskErrorKind::Task,
        OutboundError::TooLarge { .. }
        | OutboundError::TooManyRedirects { .. }
        | OutboundError::InvalidRedirect { .. } => TaskErrorKind::Response,
        OutboundError::TimedOut { .. }
        | OutboundError::Unreachable { .. }
        | OutboundError::Interrupted { .. }
        | OutboundError::Setup(_) => TaskErrorKind::Network,
    }
}
