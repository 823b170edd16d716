//! A tick whose job has to wait, at the moment in which there is nothing any more to wait for.

use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, ClaimedJob, JobStatus, NodeId, OverlapPolicy, RepositoryFactory,
    ScheduleId, SchedulePolicies, TaskId, UnifiedSchedule,
};

use super::History;
use crate::harness::{at_once, on_each_database};
use crate::sample::{at, claim, firing, schedule, stored_task};

const ROUNDS: usize = 100;

/// A schedule whose first job runs.
async fn with_a_running_job(
    repositories: &dyn RepositoryFactory,
    task: TaskId,
    node: NodeId,
    round: usize,
) -> (UnifiedSchedule, ClaimedJob) {
    let first = UnifiedSchedule {
        policies: SchedulePolicies {
            overlap: OverlapPolicy::BufferOne,
            ..SchedulePolicies::default()
        },
        ..schedule(&format!("round {round}"), task)
    };
    let schedules = repositories.schedules();
    schedules.schedule_create(&first).await.unwrap();
    repositories
        .ticks()
        .tick_fire_many(&[firing(&first)])
        .await
        .unwrap();
    let mut claimed = repositories
        .jobs()
        .job_claim_many(claim(node, 10))
        .await
        .unwrap()
        .jobs;
    claimed.retain(|claimed| claimed.job.schedule_id == Some(first.id));
    let stored = schedules.schedule_find(first.id).await.unwrap().unwrap();
    (stored, claimed.remove(0))
}

async fn waiting_jobs(repositories: &dyn RepositoryFactory, id: ScheduleId) -> usize {
    let jobs = History::of(repositories, id).await.jobs;
    jobs.iter()
        .filter(|job| job.status == JobStatus::Buffered)
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_came_to_wait_while_the_one_before_it_ended_is_released() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "task").await;
        let node = NodeId::new();
        for round in 0..ROUNDS {
            let (schedule, claimed) = with_a_running_job(&*repositories, task, node, round).await;
            let end = AttemptOutcome {
                job_id: claimed.job.id,
                execution_id: claimed.execution_id,
                node,
                result: AttemptResult::Failed {
                    error: "no use".to_owned(),
                },
                error_kind: None,
                deliveries: Vec::new(),
                log: Vec::new(),
                ended_at: at(130),
                duration: TimeDelta::seconds(30),
            };
            at_once([true, false], |fires| {
                let (ticks, jobs) = (repositories.ticks(), repositories.jobs());
                let (firing, end) = (firing(&schedule), end.clone());
                async move {
                    if fires {
                        ticks.tick_fire_many(&[firing]).await.map(drop).unwrap();
                    } else {
                        jobs.job_settle_many(&[end]).await.map(drop).unwrap();
                    }
                }
            })
            .await;
            assert_eq!(
                waiting_jobs(&*repositories, schedule.id).await,
                0,
                "round {round}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_came_to_wait_while_its_schedule_was_deleted_waits_no_longer() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "task").await;
        let node = NodeId::new();
        for round in 0..ROUNDS {
            let (schedule, _) = with_a_running_job(&*repositories, task, node, round).await;
            let second = firing(&schedule);
            let job = second.jobs().next().unwrap().job_id.unwrap();
            at_once([true, false], |fires| {
                let (ticks, schedules) = (repositories.ticks(), repositories.schedules());
                let second = second.clone();
                async move {
                    if fires {
                        ticks.tick_fire_many(&[second]).await.map(drop).unwrap();
                    } else {
                        assert!(schedules.schedule_delete(schedule.id).await.unwrap().existed);
                    }
                }
            })
            .await;
            let job = repositories.jobs().job_find(job).await.unwrap();
            assert!(
                job.as_ref().is_none_or(|job| job.status == JobStatus::Cancelled),
                "round {round}: {job:?}"
            );
        }
    })
    .await;
}
