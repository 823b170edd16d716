use std::sync::Arc;

use chrono::TimeDelta;
use ratchet_interfaces::{
    JobId, RepositoryFactory, ScheduleId, Tick, TickFilter, TickFiring, TickOutcome, TickRecord,
    UnifiedSchedule,
};

use crate::harness::on_each_database;
use crate::paging::assert_list;
use crate::sample::{at, everything, firing, stored_schedules};

/// The ledger of two schedules, as it was written, newest first.
async fn stored(repositories: &Arc<dyn RepositoryFactory>) -> (Vec<UnifiedSchedule>, Vec<Tick>) {
    let schedules = stored_schedules(&**repositories, 2).await;
    let record = |from: i64, through: i64, outcome| TickRecord {
        scheduled_for: at(from),
        through: at(through),
        count: u64::try_from(through - from).unwrap() / 60 + 1,
        outcome,
        reason: (outcome == TickOutcome::FailedToCreate).then(|| "it's \"no\" use, 100%".into()),
        job_id: (outcome == TickOutcome::Fired).then(JobId::new),
        lateness: TimeDelta::microseconds(from + 1),
        decided_at: at(through) + TimeDelta::microseconds(1),
    };
    let ledgers = [
        vec![
            record(60, 60, TickOutcome::Fired),
            record(120, 600, TickOutcome::Coalesced),
            record(660, 660, TickOutcome::Fired),
        ],
        vec![
            record(60, 60, TickOutcome::FailedToCreate),
            record(90, 90, TickOutcome::Fired),
            record(120, 120, TickOutcome::Coalesced),
        ],
    ];
    let mut ledger = Vec::new();
    let mut firings = Vec::new();
    for (schedule, records) in schedules.iter().zip(ledgers) {
        ledger.extend(records.iter().map(|record| Tick {
            schedule_id: schedule.id,
            request: 0,
            record: record.clone(),
        }));
        firings.push(TickFiring {
            records,
            ..firing(schedule)
        });
    }
    repositories.ticks().tick_fire_many(&firings).await.unwrap();
    ledger.sort_by_key(|tick| std::cmp::Reverse((tick.record.scheduled_for, tick.schedule_id)));
    (schedules, ledger)
}

#[tokio::test]
async fn the_pages_of_the_ledger_have_every_row_once_newest_first() {
    on_each_database(async |repositories| {
        let (schedules, ledger) = stored(&repositories).await;
        assert_eq!(ledger.len(), 6);
        let ticks = repositories.ticks();
        assert_list(&ledger, async |page| {
            ticks.tick_list(&TickFilter::default(), page).await.unwrap()
        })
        .await;
        let of_one = TickFilter {
            schedule_id: Some(schedules[0].id),
            ..TickFilter::default()
        };
        let expected: Vec<Tick> = ledger
            .into_iter()
            .filter(|tick| tick.schedule_id == schedules[0].id)
            .collect();
        assert_list(&expected, async |page| {
            ticks.tick_list(&of_one, page).await.unwrap()
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn each_field_of_a_filter_leaves_the_ticks_that_match() {
    on_each_database(async |repositories| {
        let (schedules, ledger) = stored(&repositories).await;
        let all = TickFilter::default;
        let mut filters = vec![
            all(),
            TickFilter {
                schedule_id: Some(schedules[1].id),
                ..all()
            },
            TickFilter {
                schedule_id: Some(ScheduleId::new()),
                ..all()
            },
        ];
        for outcome in TickOutcome::ALL {
            filters.push(TickFilter {
                outcomes: vec![*outcome],
                ..all()
            });
        }
        // Around both ends of the run of ticks from 120 through 600, and of the single ones.
        for second in [59, 60, 61, 90, 119, 120, 121, 599, 600, 601, 660, 661] {
            filters.extend([
                TickFilter {
                    from: Some(at(second)),
                    ..all()
                },
                TickFilter {
                    before: Some(at(second)),
                    ..all()
                },
                TickFilter {
                    schedule_id: Some(schedules[0].id),
                    from: Some(at(second)),
                    before: Some(at(second + 1)),
                    outcomes: vec![TickOutcome::Coalesced],
                    by_hand: Some(false),
                },
            ]);
        }
        for filter in filters {
            let expected: Vec<Tick> = ledger
                .iter()
                .filter(
                    |Tick {
                         schedule_id, record, ..
                     }| {
                        filter.schedule_id.is_none_or(|id| id == *schedule_id)
                            && filter.from.is_none_or(|from| record.through >= from)
                            && filter.before.is_none_or(|before| record.scheduled_for < before)
                            && (filter.outcomes.is_empty() || filter.outcomes.contains(&record.outcome))
                    },
                )
                .cloned()
                .collect();
            let found = repositories
                .ticks()
                .tick_list(&filter, everything())
                .await
                .unwrap();
            assert_eq!(found.items, expected, "{filter:?}");
            assert_eq!(found.total, expected.len() as u64, "{filter:?}");
        }
    })
    .await;
}
