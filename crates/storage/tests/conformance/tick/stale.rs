use ratchet_interfaces::{FiringOutcome, JobId, ScheduleId, TickFiring, UnifiedSchedule};

use super::History;
use crate::harness::on_each_database;
use crate::sample::{at, fired_job, firing, stored_schedule, stored_schedules};

#[tokio::test]
async fn a_firing_of_a_schedule_that_is_not_what_it_expects_writes_nothing() {
    on_each_database(async |repositories| {
        let before = stored_schedule(&*repositories, "nightly").await;
        let holds = firing(&before);
        let history = History::of(&*repositories, before.id).await;
        let stale = [
            TickFiring {
                expected_timing_version: 2,
                ..holds.clone()
            },
            TickFiring {
                expected_timing_version: 0,
                ..holds.clone()
            },
            TickFiring {
                expected_next_run: at(61),
                ..holds.clone()
            },
            TickFiring {
                expected_next_run: at(59),
                next_run: None,
                ..holds.clone()
            },
            TickFiring {
                schedule_id: ScheduleId::new(),
                ..holds.clone()
            },
        ];
        for firing in stale {
            let told = format!("{firing:?}");
            let outcomes = repositories
                .ticks()
                .tick_fire_many(&[firing])
                .await
                .unwrap()
                .outcomes;
            assert_eq!(outcomes, [FiringOutcome::Stale], "{told}");
            assert_eq!(History::of(&*repositories, before.id).await, history, "{told}");
        }
        let outcomes = repositories
            .ticks()
            .tick_fire_many(&[holds])
            .await
            .unwrap()
            .outcomes;
        assert_eq!(outcomes, [FiringOutcome::Committed]);
    })
    .await;
}

#[tokio::test]
async fn a_schedule_that_changed_since_the_decision_does_not_fire() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let edited = stored_schedule(&*repositories, "edited").await;
        let disabled = stored_schedule(&*repositories, "disabled").await;
        let invalid = stored_schedule(&*repositories, "invalid").await;
        let deleted = stored_schedule(&*repositories, "deleted").await;
        let fired = stored_schedule(&*repositories, "fired").await;
        let decided = [&edited, &disabled, &invalid, &deleted, &fired].map(firing);

        schedules.schedule_update(&edited).await.unwrap();
        let off = UnifiedSchedule {
            enabled: false,
            ..disabled
        };
        let off = schedules.schedule_update(&off).await.unwrap();
        schedules
            .schedule_invalidate(invalid.id, 1, "no such zone")
            .await
            .unwrap();
        schedules.schedule_delete(deleted.id).await.unwrap();
        repositories.ticks().tick_fire_many(&decided[4..]).await.unwrap();
        let mut before = Vec::new();
        for firing in &decided {
            before.push(History::of(&*repositories, firing.schedule_id).await);
        }

        let outcomes = repositories
            .ticks()
            .tick_fire_many(&decided)
            .await
            .unwrap()
            .outcomes;
        assert_eq!(outcomes, vec![FiringOutcome::Stale; 5]);
        for (firing, before) in decided.iter().zip(before) {
            assert_eq!(History::of(&*repositories, firing.schedule_id).await, before);
        }
        // That it is disabled is reason enough, whatever version is expected.
        let outcomes = repositories
            .ticks()
            .tick_fire_many(&[firing(&off)])
            .await
            .unwrap()
            .outcomes;
        assert_eq!(outcomes, [FiringOutcome::Stale]);
    })
    .await;
}

#[tokio::test]
async fn a_stale_firing_does_not_disturb_the_others_of_its_call() {
    on_each_database(async |repositories| {
        let stored = stored_schedules(&*repositories, 9).await;
        let mut firings: Vec<_> = stored.iter().map(firing).collect();
        for (place, firing) in firings.iter_mut().enumerate() {
            match place % 3 {
                0 => firing.expected_timing_version += 1,
                1 if place == 4 => firing.schedule_id = ScheduleId::new(),
                _ => {}
            }
        }
        let outcomes = repositories
            .ticks()
            .tick_fire_many(&firings)
            .await
            .unwrap()
            .outcomes;
        for (place, (firing, schedule)) in firings.iter().zip(&stored).enumerate() {
            let expected = if place % 3 == 0 || place == 4 {
                FiringOutcome::Stale
            } else {
                FiringOutcome::Committed
            };
            assert_eq!(outcomes[place], expected, "{place}");
            let history = History::of(&*repositories, schedule.id).await;
            let jobs: Vec<JobId> = history.jobs.iter().map(|job| job.id).collect();
            match expected {
                FiringOutcome::Stale => {
                    assert_eq!(jobs, []);
                    assert_eq!(history.ledger, []);
                    assert_eq!(history.schedule.as_ref(), Some(schedule));
                }
                FiringOutcome::Committed | FiringOutcome::Adjusted(_) => {
                    assert_eq!(jobs, [fired_job(firing)]);
                    assert_eq!(history.ledger.len(), 1);
                    assert_eq!(history.schedule.unwrap().next_run, Some(at(120)));
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_second_firing_of_a_schedule_in_one_call_is_stale() {
    on_each_database(async |repositories| {
        let stored = stored_schedules(&*repositories, 3).await;
        let calls = [
            firing(&stored[0]),
            firing(&stored[1]),
            firing(&stored[0]),
            firing(&stored[2]),
            firing(&stored[0]),
        ];
        let outcomes = repositories
            .ticks()
            .tick_fire_many(&calls)
            .await
            .unwrap()
            .outcomes;
        let (committed, stale) = (FiringOutcome::Committed, FiringOutcome::Stale);
        assert_eq!(
            outcomes,
            [
                committed.clone(),
                committed.clone(),
                stale.clone(),
                committed,
                stale
            ]
        );
        let history = History::of(&*repositories, stored[0].id).await;
        assert_eq!(history.jobs.len(), 1);
        assert_eq!(history.jobs[0].id, fired_job(&calls[0]));
        assert_eq!(history.schedule.unwrap().run_count, 1);
    })
    .await;
}
