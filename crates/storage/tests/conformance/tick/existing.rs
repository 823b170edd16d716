//! Ticks that are on disk already: after a crash, after the clock was set back, beside a second node.

use chrono::TimeDelta;
use ratchet_interfaces::{
    AdjustedFiring, FiringOutcome, JobId, RepositoryFactory, TickFiring, TickOutcome, TickRecord, UnifiedJob,
    UnifiedSchedule,
};

use super::History;
use crate::harness::on_each_database;
use crate::sample::{at, fired_job, firing, job, stored_schedule};

/// That of a firing only these records were written, and these aside.
fn only(firing: &TickFiring, records: &[TickRecord], aside: &[TickRecord]) -> FiringOutcome {
    FiringOutcome::Adjusted(Box::new(AdjustedFiring {
        firing: TickFiring {
            records: records.to_vec(),
            ..firing.clone()
        },
        aside: aside.to_vec(),
        stops_jobs: false,
    }))
}

/// Fires the schedule's next tick and sets the schedule back to where it was before.
async fn fired_and_set_back(repositories: &dyn RepositoryFactory, name: &str) -> UnifiedSchedule {
    let before = stored_schedule(repositories, name).await;
    repositories
        .ticks()
        .tick_fire_many(&[firing(&before)])
        .await
        .unwrap();
    repositories.schedules().schedule_update(&before).await.unwrap()
}

#[tokio::test]
async fn a_tick_that_the_ledger_has_does_not_become_a_second_job() {
    on_each_database(async |repositories| {
        let again = fired_and_set_back(&*repositories, "nightly").await;
        let before = History::of(&*repositories, again.id).await;
        let second = firing(&again);
        let outcomes = repositories
            .ticks()
            .tick_fire_many(std::slice::from_ref(&second))
            .await
            .unwrap()
            .outcomes;
        assert_eq!(outcomes, [only(&second, &[], &[])]);
        let after = History::of(&*repositories, again.id).await;
        assert_eq!(after.ledger, before.ledger);
        assert_eq!(after.jobs, before.jobs);
        let expected = UnifiedSchedule {
            next_run: Some(at(120)),
            ..again
        };
        assert_eq!(after.schedule, Some(expected));
    })
    .await;
}

#[tokio::test]
async fn what_is_new_beside_a_tick_that_the_ledger_has_is_written() {
    on_each_database(async |repositories| {
        let again = fired_and_set_back(&*repositories, "nightly").await;
        let before = History::of(&*repositories, again.id).await;
        // The tick at 60 is on disk; the one at 120 is new and becomes the job.
        let mut firing = firing(&UnifiedSchedule {
            next_run: Some(at(120)),
            ..again.clone()
        });
        firing.expected_next_run = at(60);
        firing.records.insert(
            0,
            TickRecord {
                scheduled_for: at(60),
                through: at(60),
                outcome: TickOutcome::Coalesced,
                lateness: TimeDelta::seconds(60),
                ..firing.records[0].clone()
            },
        );
        let outcomes = repositories
            .ticks()
            .tick_fire_many(std::slice::from_ref(&firing))
            .await
            .unwrap()
            .outcomes;
        assert_eq!(outcomes, [only(&firing, &firing.records[1..], &[])]);
        let after = History::of(&*repositories, again.id).await;
        assert_eq!(after.ledger.len(), 2);
        assert_eq!(after.ledger[0].record, firing.records[1]);
        assert_eq!(after.ledger[1], before.ledger[0]);
        assert_eq!(after.jobs.len(), 2);
        let schedule = after.schedule.unwrap();
        assert_eq!((schedule.run_count, schedule.last_run), (2, Some(at(120))));
    })
    .await;
}

#[tokio::test]
async fn a_tick_whose_job_exists_is_recorded_with_that_job() {
    on_each_database(async |repositories| {
        let before = stored_schedule(&*repositories, "nightly").await;
        let earlier = UnifiedJob {
            schedule_id: Some(before.id),
            scheduled_for: before.next_run,
            ..job(before.task_id)
        };
        repositories
            .jobs()
            .job_create_many(std::slice::from_ref(&earlier), &[])
            .await
            .unwrap();
        let firing = firing(&before);
        let outcomes = repositories
            .ticks()
            .tick_fire_many(std::slice::from_ref(&firing))
            .await
            .unwrap()
            .outcomes;
        let after = History::of(&*repositories, before.id).await;
        assert_eq!(after.ledger.len(), 1);
        let expected = TickRecord {
            job_id: Some(earlier.id),
            ..firing.records[0].clone()
        };
        assert_eq!(outcomes, [only(&firing, &[], std::slice::from_ref(&expected))]);
        assert_eq!(after.ledger[0].record, expected);
        assert_eq!(after.jobs, [earlier]);
        let expected = UnifiedSchedule {
            next_run: Some(at(120)),
            ..before
        };
        assert_eq!(after.schedule, Some(expected));
    })
    .await;
}

#[tokio::test]
async fn a_tick_that_is_recorded_twice_in_one_firing_is_written_once() {
    on_each_database(async |repositories| {
        let before = stored_schedule(&*repositories, "nightly").await;
        let mut firing = firing(&before);
        let twin = TickRecord {
            reason: Some("the second of the two".into()),
            ..firing.records[0].clone()
        };
        firing.records.push(twin);
        let outcomes = repositories
            .ticks()
            .tick_fire_many(std::slice::from_ref(&firing))
            .await
            .unwrap()
            .outcomes;
        assert_eq!(outcomes, [only(&firing, &firing.records[..1], &[])]);
        let after = History::of(&*repositories, before.id).await;
        assert_eq!(after.ledger.len(), 1);
        assert_eq!(after.ledger[0].record, firing.records[0]);
        assert_eq!(after.jobs.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn fresh_stale_and_existing_ticks_mix_in_one_call() {
    on_each_database(async |repositories| {
        let fresh = stored_schedule(&*repositories, "fresh").await;
        let recorded = fired_and_set_back(&*repositories, "recorded").await;
        let stale = stored_schedule(&*repositories, "stale").await;
        let queued = stored_schedule(&*repositories, "queued").await;
        let earlier = UnifiedJob {
            schedule_id: Some(queued.id),
            scheduled_for: queued.next_run,
            ..job(queued.task_id)
        };
        repositories
            .jobs()
            .job_create_many(std::slice::from_ref(&earlier), &[])
            .await
            .unwrap();
        repositories.schedules().schedule_update(&stale).await.unwrap();

        let firings = [&stale, &queued, &fresh, &recorded].map(firing);
        let outcomes = repositories
            .ticks()
            .tick_fire_many(&firings)
            .await
            .unwrap()
            .outcomes;
        let with_earlier = TickRecord {
            job_id: Some(earlier.id),
            ..firings[1].records[0].clone()
        };
        assert_eq!(
            outcomes,
            [
                FiringOutcome::Stale,
                only(&firings[1], &[], &[with_earlier]),
                FiringOutcome::Committed,
                only(&firings[3], &[], &[])
            ]
        );
        for (schedule, ledger, jobs) in [(&stale, 0, 0), (&queued, 1, 1), (&fresh, 1, 1), (&recorded, 1, 1)] {
            let history = History::of(&*repositories, schedule.id).await;
            assert_eq!(
                (history.ledger.len(), history.jobs.len()),
                (ledger, jobs),
                "{}",
                schedule.name
            );
        }
        let job: Option<JobId> = History::of(&*repositories, fresh.id)
            .await
            .jobs
            .first()
            .map(|job| job.id);
        assert_eq!(job, Some(fired_job(&firings[2])));
    })
    .await;
}
