use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Delivery, DeliveryError, DeliveryId, DeliveryReceipt, DeliveryStatus, ExecutionId, JobId, JobResult,
    ManualClock, OutputDelivery, OutputDestination,
};
use ratchet_outbound::{AddressPolicy, OutboundClient};
use ratchet_output::{OutputDeliveryManager, OutputFolder, OutputParts};
use serde_json::Value;

/// When these tests play: now, since a receiver compares with its own clock when a message was sent.
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A folder, and a client that may reach this machine.
pub(crate) fn parts(folder: impl Into<PathBuf>) -> OutputParts {
    OutputParts {
        folder: OutputFolder::at(folder),
        client: OutboundClient::new("127.0.0.1, ::1".parse().unwrap()).unwrap(),
        clock: Arc::new(ManualClock::at(now())),
    }
}

/// As [`parts`], with a client that may reach only what everybody may.
pub(crate) fn guarded(folder: impl Into<PathBuf>) -> OutputParts {
    OutputParts {
        client: OutboundClient::new(AddressPolicy::default()).unwrap(),
        ..parts(folder)
    }
}

pub(crate) fn manager(parts: OutputParts) -> OutputDeliveryManager {
    OutputDeliveryManager::with_streams(parts, std::io::sink(), std::io::sink()).unwrap()
}

pub(crate) fn destination(json: Value) -> OutputDestination {
    serde_json::from_value(json).unwrap()
}

/// The delivery of a result of the task `report`, for the tick of midnight.
pub(crate) fn delivery(destination: OutputDestination, output: Value) -> Arc<Delivery> {
    let tick: DateTime<Utc> = "2026-11-24T00:00:00Z".parse().unwrap();
    let (job_id, execution_id) = (JobId::new(), ExecutionId::new());
    Arc::new(Delivery {
        id: DeliveryId::new(),
        job_id,
        execution_id,
        destination,
        payload: JobResult {
            task: Some("report".to_owned()),
            version: Some("1.0.0".to_owned()),
            tick: Some(tick),
            ..JobResult::completed(job_id, execution_id, output, tick)
        },
        status: DeliveryStatus::Pending,
        attempts: 0,
        next_attempt_at: tick,
        last_error: None,
        created_at: tick,
        delivered_at: None,
    })
}

pub(crate) async fn deliver(
    manager: &OutputDeliveryManager,
    destination: &OutputDestination,
    output: Value,
) -> Result<DeliveryReceipt, DeliveryError> {
    manager.deliver(&delivery(destination.clone(), output)).await
}
