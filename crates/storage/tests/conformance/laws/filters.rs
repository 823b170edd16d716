//! A list is what a naive filter and sort of all rows gives, cut to the page.

use std::cmp::Ordering;
use std::collections::HashSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use ratchet_interfaces::{
    JobFilter, JobOrigin, JobPriority, JobSort, JobStatus, PageRequest, Pause, ScheduleFilter, ScheduleSort,
    ScheduleState, SortOrder, UnifiedJob, UnifiedSchedule,
};

use super::any::{one_of_few_instants, one_of_few_texts};
use super::{Databases, for_all};
use crate::job::listing::{compare as compare_jobs, matches as job_matches};
use crate::sample::{job, page, schedule, stored_schedule, stored_task};

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

fn schedule_matches(filter: &ScheduleFilter, schedule: &UnifiedSchedule) -> bool {
    let ScheduleFilter {
        task_id,
        name,
        name_contains,
        enabled,
        state,
        paused,
        next_run_from,
        next_run_before,
    } = filter;
    let lower = schedule.name.to_lowercase();
    task_id.is_none_or(|id| id == schedule.task_id)
        && name.as_ref().is_none_or(|name| *name == schedule.name)
        && name_contains
            .as_ref()
            .is_none_or(|part| lower.contains(&part.to_lowercase()))
        && enabled.is_none_or(|enabled| enabled == schedule.enabled)
        && state.is_none_or(|state| state == schedule.state)
        && paused.is_none_or(|paused| paused == schedule.pause.is_some())
        && next_run_from.is_none_or(|from| schedule.next_run.is_some_and(|next| next >= from))
        && next_run_before.is_none_or(|before| schedule.next_run.is_some_and(|next| next < before))
}

fn compare_schedules(sort: ScheduleSort, a: &UnifiedSchedule, b: &UnifiedSchedule) -> Ordering {
    let (order, by_key) = match sort {
        ScheduleSort::Name(order) => (order, a.name.cmp(&b.name)),
        ScheduleSort::CreatedAt(order) => (order, a.created_at.cmp(&b.created_at)),
        ScheduleSort::NextRun(order) => match (a.next_run, b.next_run) {
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
    let filter = (
        option::weighted(0.3, 0..3 as Parent),
        option::weighted(0.2, one_of_few_texts()),
        option::of(one_of_few_texts()),
        option::weighted(0.3, any::<bool>()),
        (
            option::weighted(0.3, select(ScheduleState::ALL)),
            option::weighted(0.3, any::<bool>()),
        ),
        option::weighted(0.3, one_of_few_instants()),
        option::weighted(0.3, one_of_few_instants()),
    );
    let sort = (0..3, order()).prop_map(|(key, order)| match key {
        0 => ScheduleSort::Name(order),
        1 => ScheduleSort::NextRun(order),
        _ => ScheduleSort::CreatedAt(order),
    });
    let values = (vec(row, 0..40), vec((filter, sort, any_page()), 40));
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
            for (
                (task, name, name_contains, enabled, (state, paused), next_run_from, next_run_before),
                sort,
                page,
            ) in questions
            {
                let filter = ScheduleFilter {
                    task_id: task.map(|task| tasks[task]),
                    name,
                    name_contains,
                    enabled,
                    state,
                    paused,
                    next_run_from,
                    next_run_before,
                };
                let mut expected: Vec<_> = stored
                    .iter()
                    .filter(|schedule| schedule_matches(&filter, schedule))
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
    let filter = (
        vec(select(JobStatus::ALL), 0..3),
        option::weighted(0.3, 0..3 as Parent),
        option::weighted(0.3, 0..3 as Parent),
        (
            option::weighted(0.3, select(JobOrigin::ALL)),
            option::weighted(0.3, select(JobPriority::ALL)),
        ),
        option::weighted(0.3, one_of_few_instants()),
        option::weighted(0.3, one_of_few_instants()),
    );
    let sort = (0..3, order()).prop_map(|(key, order)| match key {
        0 => JobSort::QueuedAt(order),
        1 => JobSort::ScheduledFor(order),
        _ => JobSort::Priority(order),
    });
    let values = (vec(row, 0..40), vec((filter, sort, any_page()), 40));
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
                        priority,
                        queued_at,
                        ..job(parents[parent].task_id)
                    },
                )
                .collect();
            repositories.jobs().job_create_many(&stored, &[]).await.unwrap();
            for ((statuses, task, schedule, (origin, priority), queued_from, queued_before), sort, page) in
                questions
            {
                let filter = JobFilter {
                    statuses,
                    task_id: task.map(|task| parents[task].task_id),
                    schedule_id: schedule.map(|schedule| parents[schedule].id),
                    origin,
                    priority,
                    queued_from,
                    queued_before,
                };
                let mut expected: Vec<_> = stored
                    .iter()
                    .filter(|job| job_matches(&filter, job))
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
