use std::sync::Arc;

use chrono::SecondsFormat;
use ratchet_interfaces::{Clock, RuntimeStatus, TaskError, TaskRequest};
use serde_json::{Value, json};

/// The name of the task that this function is.
pub(super) const NAME: &str = "heartbeat";

/// A sign of life: the server tells how it is. To run it, the server must have fired a tick, claimed a job, and will
/// store a result, so a heartbeat that arrives vouches for the whole way.
pub(super) fn function(
    clock: Arc<dyn Clock>,
    status: Arc<dyn RuntimeStatus>,
) -> impl Fn(TaskRequest) -> std::future::Ready<Result<Value, TaskError>> + Send + Sync + 'static {
    move |_| {
        std::future::ready(Ok(json!({
            "status": "ok",
            "timestamp": clock.now().to_rfc3339_opts(SecondsFormat::Micros, true),
            "message": "the server is alive",
            "system_info": {
                "version": status.version(),
                "uptime_seconds": status.uptime().as_secs(),
                "active_jobs": status.active_jobs(),
            },
        })))
    }
}
