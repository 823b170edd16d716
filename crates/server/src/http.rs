//! The HTTP side: health, and the API beside it.

mod health;
mod router;

pub(crate) use health::{HealthSource, INSTANCE, ServerHealth};
pub(crate) use router::router;
