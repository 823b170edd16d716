//! The HTTP side: routes, and the one place that makes an answer of an error.

mod error;
mod health;
mod router;

pub(crate) use health::{HealthSource, ServerHealth};
pub(crate) use router::router;
