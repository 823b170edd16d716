//! What one can measure of a running server.
//!
//! **Purpose.** [`Metrics`] counts what the engine tells as events, reads the rest when somebody asks, and answers in
//! the text format of Prometheus or as JSON. [`Traces`] makes spans of those events, and sends them over OTLP. [`TimedClock`]
//! measures how late timers wake.
//!
//! **Must not know** axum, SeaORM, or how the engine works: it hears events, and reads what every layer may read.
//! Deliberately absent: any timer, so that a server that nobody asks does nothing for it, and any statement but while
//! somebody asks.
//!
//! **Lower neighbours**: `ratchet-interfaces`, `ratchet-outbound`.

mod exposition;
mod metrics;
mod process;
mod timed_clock;
mod traces;

pub use exposition::{Exposition, ExpositionError, Family, Kind, Sample};
pub use metrics::{CATALOG, Description, Metrics, MetricsSource};
pub use timed_clock::TimedClock;
pub use traces::{OtlpEndpoint, Traces, TracesConfig, TracesError};
