use chrono::{DateTime, Utc};
use ratchet_interfaces::{ExecutionId, ExecutionLogLine, LogCondition};
use serde::Serialize;
use utoipa::ToSchema;

use crate::envelope::Many;
use crate::error::{ApiError, ErrorEnvelope};
use crate::executions::TAG;
use crate::executions::subject::{Subject, find};
use crate::id::PathId;
use crate::list::{ListQuery, Listed, Offer, field};
use crate::named::{LogLevelName, Name};
use crate::readable::Readable;
use crate::state::Services;

/// The lines that an execution's task printed.
#[derive(Debug)]
pub(crate) struct Lines;

impl Listed for Lines {
    type Condition = LogCondition;
    type Sort = ();
    const OFFER: Offer<LogCondition, ()> = Offer {
        fields: &[
            &field("seq", LogCondition::Seq, "The place among the lines, from 0"),
            &field("timestamp", LogCondition::At, "When it was printed"),
            &field("level", LogCondition::Level, "How important it is"),
            &field("message", LogCondition::Message, "The line"),
        ],
        sorts: &[],
        default_order: "as they were printed",
    };
}

/// A line that a task printed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogLine)]
pub(crate) struct LineView {
    /// Its place among the execution's lines, from 0.
    #[schema(example = 1)]
    seq: u32,
    /// When it was printed.
    timestamp: DateTime<Utc>,
    /// How important the task said it is.
    level: LogLevelName,
    /// What was printed.
    #[schema(example = "3 rows imported")]
    message: String,
}

impl From<ExecutionLogLine> for LineView {
    fn from(line: ExecutionLogLine) -> Self {
        let ExecutionLogLine {
            execution_id: _,
            seq,
            at,
            level,
            message,
        } = line;
        Self {
            seq,
            timestamp: at,
            level: Name(level),
            message,
        }
    }
}

/// What an execution's task printed, in its order.
#[utoipa::path(
    get,
    path = "/executions/{id}/logs",
    tag = TAG,
    operation_id = "executions_logs",
    params(("id" = Uuid, Path), ListQuery<Lines>),
    responses(
        (status = 200, body = Many<LineView>),
        (status = 400, body = ErrorEnvelope, description = "A parameter is unknown or not allowed"),
        (status = 404, body = ErrorEnvelope),
    )
)]
pub(super) async fn list(
    services: Services,
    PathId(id): PathId<ExecutionId>,
    query: ListQuery<Lines>,
) -> Result<Many<LineView>, ApiError> {
    let page = match find(&services, id).await? {
        Subject::Attempt { execution, .. } => {
            let executions = services.repositories.executions();
            let list = |request| executions.execution_log_list(execution.id, &query.filter, request);
            Readable::read(query.page, list).await?.map(LineView::from)
        }
        // What has not begun has printed nothing.
        Subject::Next(_) => Readable::default(),
    };
    Ok(Many::new("lines", page, query.page, services.clock.now()))
}
