//! The HTTP side: health, metrics, and the API beside them.

mod health;
mod listen;
mod metrics;
mod router;

pub(crate) use health::{HealthSource, INSTANCE, ServerHealth};
pub(crate) use listen::listen;
pub(crate) use router::{document, router};
