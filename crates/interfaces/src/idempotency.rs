use chrono::{DateTime, Utc};

/// A key that a client gave to a request so that it may repeat it: of whom, and of which route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// The id of the token, or the actor of the audit log that has none.
    pub client: String,
    /// The operation's id in the API's document.
    pub route: String,
    /// What the client gave.
    pub key: String,
}

/// That a request with a key is about to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyClaim {
    /// Its key.
    pub key: IdempotencyKey,
    /// A hash of the request: another request has another.
    pub fingerprint: String,
    /// Now.
    pub at: DateTime<Utc>,
    /// A key that was claimed before this instant is free again.
    pub expired_before: DateTime<Utc>,
}

/// How a key stood when it was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdempotencyState {
    /// It was free, and is the caller's now.
    Claimed,
    /// It is taken by the same request, which has no answer.
    Unanswered,
    /// It is taken by the same request, which was answered like this.
    Answered(KeptAnswer),
    /// It is taken by another request.
    OfAnother,
}

/// The first answer to a request, as it is given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that say something of what was done.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}
