//! What the queue alone can do: jobs are created, claimed and settled in batches, with nothing between.
//!
//! `cargo run --release -p ratchet-storage --example queue -- DATABASE_URL [JOBS] [BATCH]`; the database is emptied.

use std::time::Instant;

use chrono::{TimeDelta, Utc};
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, ClaimRequest, NodeId, Task, TaskDefinition, TaskId, UnifiedJob,
};
use ratchet_storage::Database;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments
        .next()
        .ok_or("a database is needed, for example sqlite:///tmp/queue.db")?;
    let count: usize = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let batch: usize = arguments.next().map_or(Ok(1_000), |text| text.parse())?;
    let database = Database::connect(&url).await?;
    database.fresh().await?;
    let repositories = database.repositories();
    let (jobs, node) = (repositories.jobs(), NodeId::new());
    let task = TaskDefinition::new(TaskId::new(), "no-op", "1", "builtin");
    let id = task.id;
    let task = Task::new(task, "example", Utc::now());
    repositories.tasks().task_upsert_many(&[task]).await?;

    let told = |what: &str, began: Instant| {
        #[expect(clippy::cast_precision_loss, reason = "a number of jobs is small")]
        let rate = count as f64 / began.elapsed().as_secs_f64();
        println!("{what}: {rate:.0} jobs/s");
    };
    let began = Instant::now();
    let numbers: Vec<usize> = (0..count).collect();
    for chunk in numbers.chunks(batch) {
        let now = Utc::now();
        let chunk: Vec<_> = chunk
            .iter()
            .map(|number| UnifiedJob::new(id, json!({"number": number}), now))
            .collect();
        jobs.job_create_many(&chunk, &[]).await?;
    }
    told("created", began);
    let began = Instant::now();
    loop {
        let claimed = jobs
            .job_claim_many(ClaimRequest {
                node,
                now: Utc::now(),
                limit: u32::try_from(batch)?,
                aged: 0,
                lease_until: Utc::now() + TimeDelta::minutes(1),
            })
            .await?
            .jobs;
        if claimed.is_empty() {
            break;
        }
        let ended: Vec<_> = claimed
            .iter()
            .map(|claimed| {
                let result = AttemptResult::Succeeded { output: Value::Null };
                AttemptOutcome::new(claimed.job.id, claimed.execution_id, node, result, Utc::now())
            })
            .collect();
        jobs.job_settle_many(&ended).await?;
    }
    told("claimed and settled", began);
    database.close().await?;
    Ok(())
}
