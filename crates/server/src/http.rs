//! The HTTP side: health, and the API beside it.

mod health;
mod listen;
mod router;

pub(crate) use health::{HealthSource, ServerHealth};
pub(crate) use listen::listen;
pub(crate) use router::router;
