//! Rows as a test needs them: each is ordinary, and the test says what is special about it.

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, CancelRequest, ClaimRequest, ClaimedJob, DependencyCondition, JobCreation,
    JobDependencies, JobEvent, JobId, JobStatus, NodeId, OverlapPolicy, PageRequest, RepositoryFactory,
    SchedulePolicies, SettleOutcome, Settlement, Task, TaskDefinition, TaskId, TickFiring, TickOutcome,
    TickRecord, UnifiedJob, UnifiedSchedule,
};
use serde_json::json;

/// Texts that mean something to a database, to a pattern or to a JSON parser, and must mean nothing here.
pub(crate) const HOSTILE: &[&str] = &[
    "",
    " ",
    "%",
    "_",
    "100%",
    "a_b",
    "it's",
    "''; DROP TABLE jobs; --",
    "say \"hi\"",
    "back\\slash \\u0000 \\",
    "$1 ? {batch} :name",
    "new\nline\r\ttab \u{1}\u{1f}\u{7f}",
    "Straße ÄÖÜ ñ",
    "🚲🧑‍🚀 e\u{301}",
    "\u{202e}right to left\u{2028}\u{feff}\u{fffd}\u{10ffff}",
];

/// So many seconds after the moment at which these tests play.
pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

pub(crate) fn page(offset: u64, limit: u64) -> PageRequest {
    PageRequest::new(offset, limit).unwrap()
}

/// The longest page.
pub(crate) fn everything() -> PageRequest {
    page(0, PageRequest::MAX_LIMIT)
}

pub(crate) fn task(name: &str) -> Task {
    Task::new(
        TaskDefinition::new(TaskId::new(), name, "1.0.0", "builtin"),
        "embedded",
        at(0),
    )
}

pub(crate) async fn stored_task(repositories: &dyn RepositoryFactory, name: &str) -> TaskId {
    let task = task(name);
    repositories
        .tasks()
        .task_upsert_many(std::slice::from_ref(&task))
        .await
        .unwrap();
    task.definition.id
}

/// A schedule that is due at second 60, and whose jobs may run beside each other.
pub(crate) fn schedule(name: &str, task: TaskId) -> UnifiedSchedule {
    UnifiedSchedule {
        next_run: Some(at(60)),
        policies: SchedulePolicies {
            overlap: OverlapPolicy::Allow,
            ..SchedulePolicies::default()
        },
        ..UnifiedSchedule::new(name, task, "* * * * *", at(0))
    }
}

pub(crate) async fn stored_schedule(repositories: &dyn RepositoryFactory, name: &str) -> UnifiedSchedule {
    let task = stored_task(repositories, &format!("task of {name}")).await;
    let schedule = schedule(name, task);
    repositories.schedules().schedule_create(&schedule).await.unwrap();
    schedule
}

/// Several schedules of one task, stored in one call, in the order of their ids.
pub(crate) async fn stored_schedules(
    repositories: &dyn RepositoryFactory,
    count: usize,
) -> Vec<UnifiedSchedule> {
    let task = stored_task(repositories, "task of many schedules").await;
    let schedules: Vec<_> = (0..count)
        .map(|number| schedule(&format!("schedule {number:05}"), task))
        .collect();
    repositories
        .schedules()
        .schedule_create_many(&schedules)
        .await
        .unwrap();
    schedules
}

/// The schedule's next tick becomes a job, and the next one is a minute later.
pub(crate) fn firing(schedule: &UnifiedSchedule) -> TickFiring {
    let tick = schedule.next_run.unwrap();
    let job = JobId::new();
    let decided_at = tick + TimeDelta::milliseconds(7);
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
            lateness: decided_at - tick,
            decided_at,
        }],
        policies: schedule.policies,
        next_run: Some(tick + TimeDelta::minutes(1)),
        completion: None,
        resumes: false,
        decided_at,
    }
}

/// The job that a firing makes.
pub(crate) fn fired_job(firing: &TickFiring) -> JobId {
    firing.jobs().next().unwrap().job_id.unwrap()
}

/// A job made by hand that may run from second 0.
pub(crate) fn job(task: TaskId) -> UnifiedJob {
    UnifiedJob::new(task, json!({"greeting": "hello"}), at(0))
}

/// So many jobs of one task, stored in one call.
pub(crate) async fn stored_jobs(repositories: &dyn RepositoryFactory, count: usize) -> Vec<UnifiedJob> {
    let task = stored_task(repositories, "task of many jobs").await;
    let jobs: Vec<_> = (0..count).map(|_| job(task)).collect();
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

/// A job that the node has just claimed.
pub(crate) async fn claimed_job(repositories: &dyn RepositoryFactory, node: NodeId) -> ClaimedJob {
    claimed_jobs(repositories, node, 1).await.remove(0)
}

/// So many jobs that the node has just claimed.
pub(crate) async fn claimed_jobs(
    repositories: &dyn RepositoryFactory,
    node: NodeId,
    count: u32,
) -> Vec<ClaimedJob> {
    stored_jobs(repositories, count as usize).await;
    let claimed = repositories
        .jobs()
        .job_claim_many(claim(node, count))
        .await
        .unwrap()
        .jobs;
    assert_eq!(claimed.len(), count as usize);
    claimed
}

/// Stores jobs of which none is left out.
pub(crate) async fn store(repositories: &dyn RepositoryFactory, jobs: &[UnifiedJob]) {
    let created = repositories.jobs().job_create_many(jobs, &[]).await.unwrap();
    let all = jobs.iter().map(|job| JobCreation::Created(job.status));
    assert_eq!(created, all.collect::<Vec<_>>());
}

/// Stores a job that is after others.
pub(crate) async fn stored_after(
    repositories: &dyn RepositoryFactory,
    task: TaskId,
    condition: DependencyCondition,
    after: &[JobId],
) -> JobId {
    let job = UnifiedJob {
        after: Some(condition),
        ..job(task)
    };
    let dependencies = JobDependencies {
        job_id: job.id,
        after: after.to_vec(),
    };
    let created = repositories
        .jobs()
        .job_create_many(std::slice::from_ref(&job), &[dependencies])
        .await
        .unwrap();
    assert!(matches!(created[..], [JobCreation::Created(_)]), "{created:?}");
    job.id
}

/// The job with this id, which there is.
pub(crate) async fn found(repositories: &dyn RepositoryFactory, id: JobId) -> UnifiedJob {
    repositories.jobs().job_find(id).await.unwrap().unwrap()
}

pub(crate) async fn status(repositories: &dyn RepositoryFactory, id: JobId) -> JobStatus {
    found(repositories, id).await.status
}

/// Which jobs have become what, and what they were.
pub(crate) fn moves(changed: &[JobEvent]) -> Vec<(JobId, Option<JobStatus>, JobStatus)> {
    let moves = changed.iter().map(|job| (job.job_id, job.from, job.status));
    moves.collect()
}

/// The end of a claimed job at second 105.
pub(crate) fn outcome(claimed: &ClaimedJob, result: AttemptResult) -> AttemptOutcome {
    let node = claimed.job.lease_owner.unwrap();
    AttemptOutcome::new(claimed.job.id, claimed.execution_id, node, result, at(105))
}

/// Lets a claimed job end at second 105.
pub(crate) async fn settle(
    repositories: &dyn RepositoryFactory,
    claimed: &ClaimedJob,
    result: AttemptResult,
) -> Settlement {
    let settlement = repositories
        .jobs()
        .job_settle_many(&[outcome(claimed, result)])
        .await
        .unwrap();
    assert_eq!(settlement.outcomes, [SettleOutcome::Settled]);
    settlement
}

pub(crate) fn succeeded() -> AttemptResult {
    AttemptResult::Succeeded { output: json!(1) }
}

pub(crate) fn failed() -> AttemptResult {
    AttemptResult::Failed {
        error: "broken".to_owned(),
    }
}

pub(crate) fn cancelled() -> AttemptResult {
    AttemptResult::Cancelled {
        reason: "called off".to_owned(),
    }
}

/// That a job is to be called off at second 105.
pub(crate) fn cancel(job_id: JobId, terminates: bool) -> CancelRequest {
    CancelRequest {
        job_id,
        reason: "called off".to_owned(),
        terminates,
        at: at(105),
    }
}
