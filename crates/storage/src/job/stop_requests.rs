use ratchet_interfaces::{ExecutionId, NodeId, RepositoryError, StopRequest};
use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use crate::batch::{Batch, Cell, Column, Kind};
use crate::failure::During;
use crate::reader::Reader;

const RUNNING: &[Column] = &[("id", Kind::Id)];

/// Of each execution that is not to go on, whether it still has its job.
const STOPPED: &str = "SELECT b.id, j.id IS NOT NULL FROM {batch} AS b
    LEFT JOIN executions AS e ON e.id = b.id AND e.status = 'running'
    LEFT JOIN jobs AS j ON j.id = e.job_id AND j.status = 'processing' AND j.lease_owner = $2
    WHERE j.id IS NULL OR j.stop_requested_at IS NOT NULL";

pub(super) async fn stop_requests(
    reader: &Reader,
    node: NodeId,
    running: &[ExecutionId],
) -> Result<Vec<(ExecutionId, StopRequest)>, RepositoryError> {
    const DURING: &str = "looking for executions that are not to go on";
    let mut requests = Vec::new();
    for batch in &batches(reader.get_database_backend(), running) {
        let statement = batch.statement(STOPPED, [node.as_uuid().into()]);
        for row in reader.query_all_raw(statement).await.during(DURING)? {
            let id: Uuid = row.try_get_by_index(0).during(DURING)?;
            let has_job: bool = row.try_get_by_index(1).during(DURING)?;
            let request = if has_job {
                StopRequest::Cancel
            } else {
                StopRequest::Terminate
            };
            requests.push((ExecutionId::from_uuid(id), request));
        }
    }
    Ok(requests)
}

fn batches(backend: DbBackend, running: &[ExecutionId]) -> Vec<Batch> {
    Batch::all(backend, RUNNING, running, |batch, id| {
        batch.push([Cell::Id(id.as_uuid())]);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn each_execution_and_its_job_are_found_by_their_ids() {
        let running = batches(DbBackend::Sqlite, &[ExecutionId::new()]).remove(0);
        let statement = running.statement(STOPPED, [NodeId::new().as_uuid().into()]);
        assert_eq!(
            steps_on("e", statement.clone()).await,
            ["SEARCH e USING INDEX sqlite_autoindex_executions_1 (id=?) LEFT-JOIN"]
        );
        assert_eq!(
            steps_on("j", statement).await,
            ["SEARCH j USING INDEX sqlite_autoindex_jobs_1 (id=?) LEFT-JOIN"]
        );
    }
}
