//! A list is what a naive filter and sort of all rows gives, cut to the page.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use ratchet_interfaces::{
    JobFilter, JobOrigin, JobPriority, JobSort, JobStatus, PageRequest, Pause, ScheduleFilter, ScheduleSort,
    ScheduleState, SortOrder, UnifiedJob, UnifiedSchedule,
};

use super::any::{one_of_few_instants, one_of_few_texts};
use super::{Databases, for_all};
use crate::job::listing::{compare as compare_jobs, conditions as job_conditions, matches as job_matches};
use crate::sample::{job, page, schedule, stored_schedule, stored_task};
use crate::schedule::listing::{
    compare as compare_schedules, conditions as schedule_conditions, matches as schedule_matches,
};

/// Which of two tasks, or one that does not exist.
type Parent = usize;

fn order() -> impl Strategy<Value = SortOrder> {
    select(vec![SortOrder::Ascending, SortOrder::Descending])
}

fn any_page() -> impl Strategy<Value = PageRequest> {
    (0..40_u64, 1..=40_u64).prop_map(|(offset, limit)| page(offset, limit))
}

fn cut<T: Clone>(rows: &[T], page: PageRequest) -> Vec<T> {
    rows.iter()
        .skip(page.offset() as usize)
        .take(page.limit() as usize)
        .cloned()
        .collect()
}

/// Which of the conditions that are made of the stored rows a list has.
fn some_conditions() -> impl Strategy<Value = Vec<Index>> {
    vec(any::<Index>(), 0..4)
}

#[test]
fn a_list_of_schedules_is_what_a_naive_filter_gives() {
    let row = (
        one_of_few_texts(),
        0..2 as Parent,
        any::<bool>(),
        (select(ScheduleState::ALL), any::<bool>()),
        option::of(one_of_few_instants()),
        one_of_few_instants(),
    );
    let sort = (select(ScheduleSort::KEYS), order()).prop_map(|(key, order)| key(order));
    let values = (vec(row, 0..40), vec((some_conditions(), sort, any_page()), 40));
    for_all(
        6,
        Databases::OneForEachCase,
        values,
        async |repositories, (rows, questions)| {
            let mut tasks = Vec::new();
            for name in ["one", "two", "without a schedule"] {
                tasks.push(stored_task(&*repositories, name).await);
            }
            let mut names = HashSet::new();
            let stored: Vec<UnifiedSchedule> = rows
                .into_iter()
                .filter(|(name, ..)| names.insert(name.clone()))
                .map(
                    |(name, task, enabled, (state, paused), next_run, created_at)| UnifiedSchedule {
                        enabled,
                        state,
                        pause: paused.then(|| Pause {
                            since: created_at,
                            by: "me".to_owned(),
                            note: None,
                            resume_at: None,
                        }),
                        next_run,
                        created_at,
                        ..schedule(&name, tasks[task])
                    },
                )
                .collect();
            repositories
                .schedules()
                .schedule_create_many(&stored)
                .await
                .unwrap();
            let conditions = schedule_conditions(&stored);
            for (chosen, sort, page) in questions {
                let filter = ScheduleFilter::of(chosen.iter().map(|index| index.get(&conditions).clone()));
                let mut expected: Vec<_> = stored
                    .iter()
                    .filter(|schedule| {
                        filter
                            .conditions()
                            .iter()
                            .all(|met| schedule_matches(met, schedule))
                    })
                    .cloned()
                    .collect();
                expected.sort_by(|a, b| compare_schedules(sort, a, b));
                let found = repositories
                    .schedules()
                    .schedule_list(&filter, sort, page)
                    .await
                    .unwrap();
                assert_eq!(found.items, cut(&expected, page), "{filter:?} {sort:?} {page:?}");
                assert_eq!(found.total, expected.len() as u64, "{filter:?} {page:?}");
            }
        },
    );
}

#[test]
fn a_list_of_jobs_is_what_a_naive_filter_gives() {
    let row = (
        0..2 as Parent,
        any::<bool>(),
        select(JobStatus::ALL),
        (select(JobOrigin::ALL), select(JobPriority::ALL)),
        one_of_few_instants(),
    );
    let sort = (select(JobSort::KEYS), order()).prop_map(|(key, order)| key(order));
    let values = (vec(row, 0..40), vec((some_conditions(), sort, any_page()), 40));
    for_all(
        6,
        Databases::OneForEachCase,
        values,
        async |repositories, (rows, questions)| {
            let mut parents = Vec::new();
            for name in ["one", "two", "without a job"] {
                parents.push(stored_schedule(&*repositories, name).await);
            }
            let stored: Vec<UnifiedJob> = rows
                .into_iter()
                .enumerate()
                .map(
                    |(place, (parent, of_schedule, status, (origin, priority), queued_at))| UnifiedJob {
                        schedule_id: of_schedule.then_some(parents[parent].id),
                        // Unique for a schedule, and not in the order of the ids.
                        scheduled_for: of_schedule.then(|| crate::sample::at((place as i64 * 17) % 41)),
                        origin,
                        status,
                        completed_at: matches!(
                            status,
                            JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled
                        )
                        .then_some(queued_at),
                        priority,
                        queued_at,
                        ..job(parents[parent].task_id)
                    },
                )
                .collect();
            repositories.jobs().job_create_many(&stored, &[]).await.unwrap();
            let conditions = job_conditions(&stored);
            for (chosen, sort, page) in questions {
                let filter = JobFilter::of(chosen.iter().map(|index| index.get(&conditions).clone()));
                let mut expected: Vec<_> = stored
                    .iter()
                    .filter(|job| filter.conditions().iter().all(|met| job_matches(met, job)))
                    .cloned()
                    .collect();
                expected.sort_by(|a, b| compare_jobs(sort, a, b));
                let found = repositories.jobs().job_list(&filter, sort, page).await.unwrap();
                assert_eq!(found.items, cut(&expected, page), "{filter:?} {sort:?} {page:?}");
                assert_eq!(found.total, expected.len() as u64, "{filter:?} {page:?}");
            }
        },
    );
}
