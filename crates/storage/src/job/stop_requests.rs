use std::collections::HashMap;

use ratchet_interfaces::{ExecutionId, NodeId, RepositoryError, StopRequest};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use crate::failure::During;
use crate::reader::Reader;

/// What a node runs, which is not much, and whether it is asked to stop.
const RUNNING: &str = "SELECT execution_id, CASE WHEN stop_requested_at IS NULL THEN 0 ELSE 1 END
    FROM jobs WHERE status = 'processing' AND lease_owner = $1 AND execution_id IS NOT NULL";

pub(super) async fn stop_requests(
    reader: &Reader,
    node: NodeId,
    running: &[ExecutionId],
) -> Result<Vec<(ExecutionId, StopRequest)>, RepositoryError> {
    const DURING: &str = "looking for executions that are not to go on";
    if running.is_empty() {
        return Ok(Vec::new());
    }
    let statement = statement(reader.get_database_backend(), node);
    let mut stored: HashMap<ExecutionId, bool> = HashMap::new();
    for row in reader.query_all_raw(statement).await.during(DURING)? {
        let id: Uuid = row.try_get_by_index(0).during(DURING)?;
        let stops: i32 = row.try_get_by_index(1).during(DURING)?;
        stored.insert(ExecutionId::from_uuid(id), stops == 1);
    }
    let requests = running.iter().filter_map(|id| match stored.get(id) {
        None => Some((*id, StopRequest::Terminate)),
        Some(true) => Some((*id, StopRequest::Cancel)),
        Some(false) => None,
    });
    Ok(requests.collect())
}

fn statement(backend: DbBackend, node: NodeId) -> Statement {
    Statement::from_sql_and_values(backend, RUNNING, [node.as_uuid().into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps;

    #[tokio::test]
    async fn only_what_runs_is_looked_at() {
        assert_eq!(
            steps(statement(DbBackend::Sqlite, NodeId::new())).await,
            ["SCAN jobs USING INDEX jobs_processing"]
        );
    }
}
