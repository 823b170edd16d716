//! Running jobs that are asked to stop, or are taken away.

use std::sync::Arc;
use std::time::Duration;

use ratchet_interfaces::{ExecutionStatus, JobId, JobStatus, TaskError, UnifiedJob};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::warnings::Warnings;
use crate::world::World;

fn hanging() -> BuiltinRuntime {
    BuiltinRuntime::new().with("hang", |_| std::future::pending())
}

impl World {
    /// Commits that a job is asked to stop, without a signal.
    fn ask_to_stop(&self, job: JobId) {
        let now = self.now();
        let mut state = self.database.state();
        let row = state.jobs.iter_mut().find(|row| row.id == job).unwrap();
        row.stop_requested_at = Some(now);
    }

    /// Commits that a job is taken from who runs it, without a signal.
    pub(crate) fn take_away(&self, job: JobId) {
        let mut state = self.database.state();
        let row = state.jobs.iter_mut().find(|row| row.id == job).unwrap();
        row.status = JobStatus::Cancelled;
        row.lease_owner = None;
        for execution in state.executions.values_mut() {
            if execution.job_id == job {
                execution.status = ExecutionStatus::Cancelled;
            }
        }
    }

    fn retried_job(&self, task: &str) -> JobId {
        self.add(UnifiedJob {
            max_retries: Some(5),
            ..UnifiedJob::new(self.task(task), Value::Null, self.now())
        })
    }
}

#[tokio::test]
async fn a_job_that_is_asked_to_stop_is_broken_off_cancelled_and_not_tried_again() {
    let world = World::new();
    let pipeline = world.pipeline(4, hanging());
    pipeline.start().await.unwrap();
    let (job, other) = (world.retried_job("hang"), world.retried_job("hang"));
    world.quiesce().await;
    world.ask_to_stop(job);
    world.jobs_stopping.raise();
    world.quiesce().await;
    {
        let state = world.database.state();
        assert_eq!(state.job(job).status, JobStatus::Cancelled);
        assert_eq!(state.job(job).retry_count, 0);
        assert_eq!(
            state.job(job).error.as_deref(),
            Some("it was called off while it ran")
        );
        assert_eq!(state.job(other).status, JobStatus::Processing);
    }
    pipeline.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_job_that_fails_while_it_is_called_off_is_not_tried_again() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(0));
    let door = gate.clone();
    let fail = move |_| {
        let door = door.clone();
        async move {
            door.acquire().await.unwrap().forget();
            Err(TaskError::failed("no"))
        }
    };
    let pipeline = world.pipeline(4, BuiltinRuntime::new().with("fail", fail));
    pipeline.start().await.unwrap();
    let job = world.retried_job("fail");
    world.quiesce().await;
    world.ask_to_stop(job);
    // Both are told before anybody has a turn.
    gate.add_permits(1);
    world.jobs_stopping.raise();
    world.quiesce().await;
    {
        let state = world.database.state();
        let row = state.job(job);
        assert_eq!(row.status, JobStatus::Cancelled);
        assert_eq!(
            row.error.as_deref(),
            Some("it was called off while it ran, and is not tried again after it failed: no")
        );
    }
    pipeline.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn the_result_of_a_job_that_was_taken_away_is_dropped_without_a_warning() {
    let world = World::new();
    let warnings = Warnings::listen();
    let pipeline = world.pipeline(1, hanging().with("pass", |_| async { Ok(Value::Null) }));
    pipeline.start().await.unwrap();
    let job = world.retried_job("hang");
    world.quiesce().await;
    world.take_away(job);
    world.jobs_stopping.raise();
    let next = world.job_of(world.task("pass"));
    world.quiesce().await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Cancelled);
    assert_eq!(world.database.state().job(next).status, JobStatus::Completed);
    assert_eq!(world.database.state().settled, [1], "only the next job's");
    assert_eq!(warnings.lines(), [""; 0]);
    pipeline.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_result_on_its_way_when_its_job_is_taken_away_is_no_warning_either() {
    let world = World::new();
    let warnings = Warnings::listen();
    let pipeline = world.pipeline(
        1,
        BuiltinRuntime::new().with("pass", |_| async { Ok(Value::Null) }),
    );
    world.database.settling_held.send_replace(true);
    pipeline.start().await.unwrap();
    let job = world.job_of(world.task("pass"));
    world.quiesce().await;
    world.take_away(job);
    world.database.settling_held.send_replace(false);
    world.quiesce().await;
    assert_eq!(world.database.state().settled, [1]);
    assert_eq!(warnings.lines(), [""; 0]);
    pipeline.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_request_between_a_claim_s_commit_and_its_answer_is_heard() {
    let world = World::new();
    let pipeline = world.pipeline(4, hanging());
    world.database.claiming_held.send_replace(true);
    pipeline.start().await.unwrap();
    let job = world.retried_job("hang");
    world.quiesce().await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Processing);
    world.ask_to_stop(job);
    world.jobs_stopping.raise();
    world.quiesce().await;
    assert!(
        world.take_statements().contains(&"stops"),
        "it is asked too early"
    );
    world.database.claiming_held.send_replace(false);
    world.quiesce().await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Cancelled);
    pipeline.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn stop_requests_are_looked_up_again_until_the_database_is_back() {
    let world = World::new();
    let pipeline = world.pipeline(4, hanging());
    pipeline.start().await.unwrap();
    let job = world.retried_job("hang");
    world.quiesce().await;
    world.database.state().away = vec!["stops"];
    world.ask_to_stop(job);
    world.jobs_stopping.raise();
    world.quiesce().await;
    let told = pipeline.stall().unwrap();
    assert!(told.contains("which jobs are to stop"), "{told}");
    world.database.state().away.clear();
    world.pass(Duration::from_millis(100)).await;
    assert_eq!(pipeline.stall(), None);
    assert_eq!(world.database.state().job(job).status, JobStatus::Cancelled);
    pipeline.stop(Duration::ZERO).await;
}
