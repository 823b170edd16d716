use std::cmp::Ordering;
use std::sync::Arc;

use ratchet_interfaces::{
    Choice, JobCondition, JobFilter, JobId, JobOrigin, JobPriority, JobSort, JobStatus, RepositoryFactory,
    ScheduleId, SortOrder, TaskErrorKind, TaskId, UnifiedJob,
};

use crate::harness::on_each_database;
use crate::paging::{
    absent_last, assert_filters, assert_list, bounds, choices, directed, text_is_met, texts,
};
use crate::sample::{at, everything, job, stored_schedule, stored_task};

/// Jobs of two tasks and a schedule in every state, with many equal values to sort by. The first in the default order
/// comes first.
async fn stored(repositories: &Arc<dyn RepositoryFactory>) -> Vec<UnifiedJob> {
    let schedule = stored_schedule(&**repositories, "nightly").await;
    let by_hand = stored_task(&**repositories, "by hand").await;
    let mut stored = Vec::new();
    for (place, status) in JobStatus::ALL.iter().cycle().take(18).enumerate() {
        let second = place as i64;
        let of_schedule = place % 3 == 0;
        stored.push(UnifiedJob {
            schedule_id: of_schedule.then_some(schedule.id),
            scheduled_for: of_schedule.then(|| at(600 - 60 * second)),
            origin: JobOrigin::ALL[place % 4],
            status: *status,
            priority: JobPriority::ALL[place % 4],
            attempts: place as u32 % 5,
            retry_count: place as u32 % 3,
            unique_key: (place % 4 == 1).then(|| format!("Key_{place}%")),
            concurrency_key: (place % 4 == 2).then(|| "Disk Ä".to_owned()),
            error: (place % 5 == 0).then(|| format!("no space left on disk {place}")),
            error_kind: (place % 5 == 0).then(|| TaskErrorKind::ALL[place % TaskErrorKind::ALL.len()]),
            run_after: at(second % 6),
            queued_at: at((second * 7) % 5),
            started_at: (place % 2 == 0).then(|| at(100 + second % 4)),
            completed_at: matches!(
                status,
                JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled
            )
            .then(|| at(200 + second % 3)),
            ..job(if of_schedule { schedule.task_id } else { by_hand })
        });
    }
    repositories.jobs().job_create_many(&stored, &[]).await.unwrap();
    stored.sort_by(|a, b| compare(JobSort::default(), a, b));
    stored
}

/// Conditions on every field, with values that some of the jobs have and values that none has.
pub(crate) fn conditions(jobs: &[UnifiedJob]) -> Vec<JobCondition> {
    let ids: Vec<JobId> = jobs
        .iter()
        .map(|job| job.id)
        .take(3)
        .chain([JobId::new()])
        .collect();
    let mut tasks: Vec<TaskId> = jobs.iter().map(|job| job.task_id).collect();
    tasks.push(TaskId::new());
    tasks.sort();
    tasks.dedup();
    let mut schedules: Vec<ScheduleId> = jobs.iter().filter_map(|job| job.schedule_id).collect();
    schedules.push(ScheduleId::new());
    schedules.sort();
    schedules.dedup();
    let keys = texts(
        &["Key_1%", "key_1%", "Disk Ä"],
        &["", "KEY_", "1%", "_", "disk Ä", "ä"],
    );
    let mut conditions = Vec::new();
    conditions.extend(choices(&ids).into_iter().map(JobCondition::Id));
    conditions.extend(choices(&schedules).into_iter().map(JobCondition::ScheduleId));
    conditions.extend(choices(&tasks).into_iter().map(JobCondition::TaskId));
    conditions.extend(choices(JobStatus::ALL).into_iter().map(JobCondition::Status));
    let ended = [JobStatus::Failed, JobStatus::Cancelled];
    conditions.push(JobCondition::Status(Choice::IsOneOf(ended.to_vec())));
    conditions.extend(choices(JobOrigin::ALL).into_iter().map(JobCondition::Origin));
    conditions.extend(bounds(JobPriority::ALL).into_iter().map(JobCondition::Priority));
    conditions.extend(bounds(&[0, 2, 4, 9]).into_iter().map(JobCondition::Attempts));
    conditions.extend(
        bounds(&[0, 1, u64::MAX])
            .into_iter()
            .map(JobCondition::RetryCount),
    );
    conditions.extend(keys.iter().cloned().map(JobCondition::UniqueKey));
    conditions.extend(keys.into_iter().map(JobCondition::ConcurrencyKey));
    let errors = texts(&["no space left on disk 0", "no"], &["SPACE", "disk 1", "%"]);
    conditions.extend(errors.into_iter().map(JobCondition::Error));
    conditions.extend(
        choices(TaskErrorKind::ALL)
            .into_iter()
            .map(JobCondition::ErrorKind),
    );
    let instants = |seconds: [i64; 3]| bounds(&seconds.map(at));
    conditions.extend(
        instants([60, 420, 421])
            .into_iter()
            .map(JobCondition::ScheduledFor),
    );
    conditions.extend(instants([0, 3, 6]).into_iter().map(JobCondition::RunAfter));
    conditions.extend(instants([0, 2, 4]).into_iter().map(JobCondition::QueuedAt));
    conditions.extend(instants([100, 102, 104]).into_iter().map(JobCondition::StartedAt));
    conditions.extend(
        instants([200, 201, 202])
            .into_iter()
            .map(JobCondition::CompletedAt),
    );
    conditions
}

#[tokio::test]
async fn each_condition_leaves_the_jobs_that_meet_it() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        assert_filters(
            JobCondition::FIELDS,
            JobCondition::field,
            &conditions(&stored),
            &stored,
            matches,
            async |filter| {
                let jobs = repositories.jobs();
                jobs.job_list(filter, JobSort::default(), everything())
                    .await
                    .unwrap()
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn each_sort_key_sorts_the_jobs_in_both_directions_on_every_page() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        let jobs = repositories.jobs();
        let filters = [
            JobFilter::default(),
            JobFilter::of([JobCondition::Status(Choice::Is(JobStatus::Failed))]),
            JobFilter::of([JobCondition::Status(Choice::Is(JobStatus::Processing))]),
            JobFilter::of([JobCondition::TaskId(Choice::Is(stored[0].task_id))]),
        ];
        for order in [SortOrder::Ascending, SortOrder::Descending] {
            for key in JobSort::KEYS {
                let sort = key(order);
                for filter in &filters {
                    let mut expected = stored.clone();
                    expected.retain(|job| filter.conditions().iter().all(|met| matches(met, job)));
                    expected.sort_by(|a, b| compare(sort, a, b));
                    assert_list(&expected, async |page| {
                        jobs.job_list(filter, sort, page).await.unwrap()
                    })
                    .await;
                }
            }
        }
    })
    .await;
}

/// What the documentation of the condition says.
pub(crate) fn matches(condition: &JobCondition, job: &UnifiedJob) -> bool {
    match condition {
        JobCondition::Id(choice) => choice.is_met_by(Some(&job.id)),
        JobCondition::ScheduleId(choice) => choice.is_met_by(job.schedule_id.as_ref()),
        JobCondition::TaskId(choice) => choice.is_met_by(Some(&job.task_id)),
        JobCondition::Status(choice) => choice.is_met_by(Some(&job.status)),
        JobCondition::Origin(choice) => choice.is_met_by(Some(&job.origin)),
        JobCondition::Priority(bound) => bound.is_met_by(Some(&job.priority)),
        JobCondition::Attempts(bound) => bound.is_met_by(Some(&job.attempts.into())),
        JobCondition::RetryCount(bound) => bound.is_met_by(Some(&job.retry_count.into())),
        JobCondition::UniqueKey(text) => text_is_met(text, job.unique_key.as_deref()),
        JobCondition::ConcurrencyKey(text) => text_is_met(text, job.concurrency_key.as_deref()),
        JobCondition::Error(text) => text_is_met(text, job.error.as_deref()),
        JobCondition::ErrorKind(choice) => choice.is_met_by(job.error_kind.as_ref()),
        JobCondition::ScheduledFor(bound) => bound.is_met_by(job.scheduled_for.as_ref()),
        JobCondition::RunAfter(bound) => bound.is_met_by(Some(&job.run_after)),
        JobCondition::QueuedAt(bound) => bound.is_met_by(Some(&job.queued_at)),
        JobCondition::StartedAt(bound) => bound.is_met_by(job.started_at.as_ref()),
        JobCondition::CompletedAt(bound) => bound.is_met_by(job.completed_at.as_ref()),
    }
}

/// What the documentation of the sort says: ties are broken by id, in the same direction.
pub(crate) fn compare(sort: JobSort, a: &UnifiedJob, b: &UnifiedJob) -> Ordering {
    let order = sort.order();
    let by_key = match sort {
        JobSort::QueuedAt(_) => directed(order, a.queued_at.cmp(&b.queued_at)),
        JobSort::Priority(_) => directed(order, a.priority.cmp(&b.priority)),
        JobSort::ScheduledFor(_) => absent_last(order, a.scheduled_for, b.scheduled_for),
        JobSort::CompletedAt(_) => absent_last(order, a.completed_at, b.completed_at),
    };
    by_key.then(directed(order, a.id.cmp(&b.id)))
}
