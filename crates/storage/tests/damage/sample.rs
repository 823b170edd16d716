use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    ClaimRequest, JobId, NodeId, OverlapPolicy, RepositoryFactory, SchedulePolicies, Task, TaskDefinition,
    TaskId, TickFiring, TickOutcome, TickRecord, UnifiedJob, UnifiedSchedule,
};
use serde_json::json;

/// So many seconds after the moment at which these tests play.
pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

pub(crate) async fn stored_task(repositories: &dyn RepositoryFactory) -> TaskId {
    let task = Task::new(
        TaskDefinition::new(TaskId::new(), "greet", "1.0.0", "builtin"),
        "embedded",
        at(0),
    );
    repositories
        .tasks()
        .task_upsert_many(std::slice::from_ref(&task))
        .await
        .unwrap();
    task.definition.id
}

/// Schedules with these names, due at second 60, in the order of their ids.
pub(crate) async fn stored_schedules(
    repositories: &dyn RepositoryFactory,
    names: &[&str],
) -> Vec<UnifiedSchedule> {
    let task = stored_task(repositories).await;
    let schedules: Vec<_> = names
        .iter()
        .map(|name| UnifiedSchedule {
            next_run: Some(at(60)),
            policies: SchedulePolicies {
                overlap: OverlapPolicy::Allow,
                ..SchedulePolicies::default()
            },
            ..UnifiedSchedule::new(*name, task, "* * * * *", at(0))
        })
        .collect();
    repositories
        .schedules()
        .schedule_create_many(&schedules)
        .await
        .unwrap();
    schedules
}

/// The schedule's next tick becomes a job that may run at once, and the next one is a minute later.
pub(crate) fn firing(schedule: &UnifiedSchedule) -> TickFiring {
    let tick = schedule.next_run.unwrap();
    let job = JobId::new();
    TickFiring {
        schedule_id: schedule.id,
        expected_timing_version: schedule.timing_version,
        expected_next_run: tick,
        records: vec![TickRecord {
            scheduled_for: tick,
            through: tick,
            count: 1,
            outcome: TickOutcome::Fired,
            reason: None,
            job_id: Some(job),
            lateness: TimeDelta::zero(),
            decided_at: tick,
        }],
        policies: schedule.policies,
        next_run: Some(tick + TimeDelta::minutes(1)),
        completion: None,
        resumes: false,
        decided_at: tick,
    }
}

/// Jobs made by hand, the first to run first.
pub(crate) async fn stored_jobs(repositories: &dyn RepositoryFactory, count: i64) -> Vec<UnifiedJob> {
    let task = stored_task(repositories).await;
    let jobs: Vec<_> = (0..count)
        .map(|second| UnifiedJob::new(task, json!({"greeting": "hello"}), at(second)))
        .collect();
    repositories.jobs().job_create_many(&jobs, &[]).await.unwrap();
    jobs
}

/// A claim at second 100 whose jobs may run for a minute.
pub(crate) fn claim(node: NodeId, limit: u32) -> ClaimRequest {
    ClaimRequest {
        node,
        now: at(100),
        limit,
        aged: 0,
        lease_until: at(160),
    }
}
