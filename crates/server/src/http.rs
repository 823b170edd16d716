//! The HTTP side: health, metrics, and the API beside them.

mod health;
mod metrics;
mod router;

pub(crate) use health::{HealthSource, INSTANCE, ServerHealth};
pub(crate) use router::router;
