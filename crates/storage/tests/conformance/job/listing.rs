use std::cmp::Ordering;
use std::sync::Arc;

use ratchet_interfaces::{
    JobFilter, JobPriority, JobSort, JobStatus, RepositoryFactory, ScheduleId, SortOrder, TaskId, UnifiedJob,
};

use crate::harness::on_each_database;
use crate::paging::assert_list;
use crate::sample::{at, everything, job, stored_schedule, stored_task};

/// Jobs of two tasks and a schedule in every state, with many equal values to sort by.
async fn stored(repositories: &Arc<dyn RepositoryFactory>) -> Vec<UnifiedJob> {
    let schedule = stored_schedule(&**repositories, "nightly").await;
    let by_hand = stored_task(&**repositories, "by hand").await;
    let mut stored = Vec::new();
    for (place, status) in JobStatus::ALL.iter().cycle().take(18).enumerate() {
        let of_schedule = place % 3 == 0;
        stored.push(UnifiedJob {
            schedule_id: of_schedule.then_some(schedule.id),
            scheduled_for: of_schedule.then(|| at(600 - 60 * place as i64)),
            status: *status,
            priority: JobPriority::ALL[place % 4],
            queued_at: at((place as i64 * 7) % 5),
            ..job(if of_schedule { schedule.task_id } else { by_hand })
        });
    }
    repositories.jobs().job_create_many(&stored, &[]).await.unwrap();
    stored
}

#[tokio::test]
async fn each_field_of_a_filter_leaves_the_jobs_that_match() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        let all = JobFilter::default;
        let mut filters = vec![
            all(),
            JobFilter {
                task_id: Some(stored[0].task_id),
                ..all()
            },
            JobFilter {
                task_id: Some(stored[1].task_id),
                priority: Some(JobPriority::High),
                ..all()
            },
            JobFilter {
                task_id: Some(TaskId::new()),
                ..all()
            },
            JobFilter {
                schedule_id: stored[0].schedule_id,
                ..all()
            },
            JobFilter {
                schedule_id: Some(ScheduleId::new()),
                ..all()
            },
            JobFilter {
                statuses: JobStatus::ALL.to_vec(),
                ..all()
            },
            JobFilter {
                statuses: vec![JobStatus::Queued, JobStatus::Failed, JobStatus::Queued],
                ..all()
            },
        ];
        filters.extend(JobStatus::ALL.iter().map(|status| JobFilter {
            statuses: vec![*status],
            ..all()
        }));
        filters.extend(JobPriority::ALL.iter().map(|priority| JobFilter {
            priority: Some(*priority),
            ..all()
        }));
        for second in 0..5 {
            filters.extend([
                JobFilter {
                    queued_from: Some(at(second)),
                    ..all()
                },
                JobFilter {
                    queued_before: Some(at(second)),
                    ..all()
                },
                JobFilter {
                    queued_from: Some(at(second)),
                    queued_before: Some(at(second + 2)),
                    statuses: vec![JobStatus::Queued, JobStatus::Completed],
                    ..all()
                },
            ]);
        }
        for filter in filters {
            let mut expected: Vec<_> = stored
                .iter()
                .filter(|job| matches(&filter, job))
                .cloned()
                .collect();
            expected.sort_by_key(|job| std::cmp::Reverse((job.queued_at, job.id)));
            let found = repositories
                .jobs()
                .job_list(&filter, JobSort::default(), everything())
                .await
                .unwrap();
            assert_eq!(found.items, expected, "{filter:?}");
            assert_eq!(found.total, expected.len() as u64, "{filter:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn each_sort_key_sorts_the_jobs_in_both_directions_on_every_page() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        let jobs = repositories.jobs();
        for order in [SortOrder::Ascending, SortOrder::Descending] {
            for sort in [
                JobSort::QueuedAt(order),
                JobSort::ScheduledFor(order),
                JobSort::Priority(order),
            ] {
                let mut expected = stored.clone();
                expected.sort_by(|a, b| compare(sort, a, b));
                assert_list(&expected, async |page| {
                    jobs.job_list(&JobFilter::default(), sort, page).await.unwrap()
                })
                .await;
                let failed = JobFilter {
                    statuses: vec![JobStatus::Failed],
                    ..JobFilter::default()
                };
                expected.retain(|job| job.status == JobStatus::Failed);
                assert_list(&expected, async |page| {
                    jobs.job_list(&failed, sort, page).await.unwrap()
                })
                .await;
            }
        }
    })
    .await;
}

/// What the documentation of the filter says.
pub(crate) fn matches(filter: &JobFilter, job: &UnifiedJob) -> bool {
    let JobFilter {
        statuses,
        task_id,
        schedule_id,
        origin,
        priority,
        queued_from,
        queued_before,
    } = filter;
    (statuses.is_empty() || statuses.contains(&job.status))
        && task_id.is_none_or(|id| id == job.task_id)
        && (schedule_id.is_none() || *schedule_id == job.schedule_id)
        && origin.is_none_or(|origin| origin == job.origin)
        && priority.is_none_or(|priority| priority == job.priority)
        && queued_from.is_none_or(|from| job.queued_at >= from)
        && queued_before.is_none_or(|before| job.queued_at < before)
}

/// What the documentation of the sort says: ties are broken by id, in the same direction.
pub(crate) fn compare(sort: JobSort, a: &UnifiedJob, b: &UnifiedJob) -> Ordering {
    let (order, by_key) = match sort {
        JobSort::QueuedAt(order) => (order, a.queued_at.cmp(&b.queued_at)),
        JobSort::Priority(order) => (order, a.priority.cmp(&b.priority)),
        JobSort::ScheduledFor(order) => match (a.scheduled_for, b.scheduled_for) {
            (Some(a), Some(b)) => (order, a.cmp(&b)),
            (None, None) => (order, Ordering::Equal),
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
        },
    };
    let ascending = by_key.then(a.id.cmp(&b.id));
    match order {
        SortOrder::Ascending => ascending,
        SortOrder::Descending => ascending.reverse(),
    }
}
