//! Several nodes that fire the same ticks at the same time.

use std::sync::Arc;

use ratchet_interfaces::{
    FiringOutcome, JobFilter, JobSort, RepositoryFactory, ScheduleRepository, TickFilter, TickSort,
    UnifiedSchedule,
};

use super::History;
use crate::harness::{at_once, on_each_database};
use crate::sample::{at, everything, fired_job, firing, stored_schedule, stored_schedules};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tick_that_eight_nodes_fire_at_the_same_time_becomes_one_job() {
    on_each_database(async |repositories| {
        let before = stored_schedule(&*repositories, "nightly").await;
        let answers = at_once(0..8, |_| {
            let ticks = repositories.ticks();
            let firing = firing(&before);
            async move {
                let outcomes = ticks
                    .tick_fire_many(std::slice::from_ref(&firing))
                    .await
                    .unwrap()
                    .outcomes;
                (outcomes, fired_job(&firing))
            }
        })
        .await;
        let won: Vec<_> = answers
            .iter()
            .filter(|(outcomes, _)| *outcomes == [FiringOutcome::Committed])
            .collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        let history = History::of(&*repositories, before.id).await;
        assert_eq!(history.ledger.len(), 1);
        assert_eq!(history.jobs.len(), 1);
        assert_eq!(history.jobs[0].id, won[0].1);
        assert_eq!(history.schedule.unwrap().run_count, 1);
    })
    .await;
}

/// Every node has all schedules, each in an order of its own, so that they would wait for each other in circles.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_of_the_same_ticks_fired_at_the_same_time_become_one_job_a_tick() {
    on_each_database(async |repositories| {
        let stored = stored_schedules(&*repositories, 90).await;
        let answers = at_once(0..6, |node| {
            let ticks = repositories.ticks();
            let mut firings: Vec<_> = stored.iter().map(firing).collect();
            firings.rotate_left(node * 13);
            if node % 2 == 1 {
                firings.reverse();
            }
            async move {
                let outcomes = ticks.tick_fire_many(&firings).await.unwrap().outcomes;
                firings.into_iter().zip(outcomes).collect::<Vec<_>>()
            }
        })
        .await;
        let committed: Vec<_> = answers
            .iter()
            .flatten()
            .filter(|(_, outcome)| *outcome == FiringOutcome::Committed)
            .map(|(firing, _)| firing)
            .collect();
        assert_eq!(committed.len(), 90);
        let jobs = repositories
            .jobs()
            .job_list(&JobFilter::default(), JobSort::default(), everything())
            .await
            .unwrap();
        assert_eq!(jobs.total, 90);
        for job in jobs.items {
            let firing = committed
                .iter()
                .find(|firing| Some(firing.schedule_id) == job.schedule_id)
                .unwrap();
            assert_eq!(job.id, fired_job(firing));
        }
        let ledger = repositories
            .ticks()
            .tick_list(&TickFilter::default(), TickSort::default(), everything())
            .await
            .unwrap();
        assert_eq!(ledger.total, 90);
    })
    .await;
}

/// Fires each schedule and edits it, all at once. Says of each whether the decision held.
async fn fired_beside<F>(
    repositories: &dyn RepositoryFactory,
    stored: &[UnifiedSchedule],
    edit: impl Fn(Arc<dyn ScheduleRepository>, UnifiedSchedule) -> F,
) -> Vec<bool>
where
    F: Future<Output = ()> + Send + 'static,
{
    let outcomes = at_once(0..stored.len() * 2, |place: usize| {
        let ticks = repositories.ticks();
        let schedule = stored[place / 2].clone();
        let edit = (!place.is_multiple_of(2)).then(|| edit(repositories.schedules(), schedule.clone()));
        async move {
            if let Some(edit) = edit {
                edit.await;
                return None;
            }
            let outcomes = ticks.tick_fire_many(&[firing(&schedule)]).await.unwrap().outcomes;
            Some(outcomes == [FiringOutcome::Committed])
        }
    })
    .await;
    outcomes.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_edited_while_it_fires_does_one_after_the_other() {
    on_each_database(async |repositories| {
        let stored = stored_schedules(&*repositories, 12).await;
        let fired = fired_beside(&*repositories, &stored, |schedules, schedule| async move {
            let edited = UnifiedSchedule {
                next_run: Some(at(90)),
                ..schedule
            };
            schedules.schedule_update(&edited).await.unwrap();
        })
        .await;
        for (schedule, fired) in stored.iter().zip(fired) {
            let history = History::of(&*repositories, schedule.id).await;
            assert_eq!(history.jobs.len(), usize::from(fired));
            assert_eq!(history.ledger.len(), usize::from(fired));
            let expected = UnifiedSchedule {
                next_run: Some(at(90)),
                last_run: fired.then(|| at(60)),
                run_count: u64::from(fired),
                version: 2,
                timing_version: 2,
                ..schedule.clone()
            };
            assert_eq!(history.schedule, Some(expected));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_of_details_while_a_schedule_fires_keeps_neither_from_its_work() {
    on_each_database(async |repositories| {
        let stored = stored_schedules(&*repositories, 12).await;
        let fired = fired_beside(&*repositories, &stored, |schedules, schedule| async move {
            let edited = UnifiedSchedule {
                description: Some("new".to_owned()),
                ..schedule
            };
            schedules.schedule_update_details(&edited).await.unwrap();
        })
        .await;
        assert_eq!(fired, [true; 12]);
        for schedule in stored {
            let after = repositories
                .schedules()
                .schedule_find(schedule.id)
                .await
                .unwrap()
                .unwrap();
            assert_eq!((after.version, after.timing_version, after.run_count), (2, 1, 1));
            assert_eq!(
                (after.last_run, after.description.as_deref()),
                (Some(at(60)), Some("new"))
            );
        }
    })
    .await;
}
