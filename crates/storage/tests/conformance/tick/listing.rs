use std::cmp::Ordering;
use std::sync::Arc;

use chrono::TimeDelta;
use ratchet_interfaces::{
    Choice, JobId, ManualRun, ManualRuns, RepositoryFactory, ScheduleId, SortOrder, Tick, TickCondition,
    TickFilter, TickFiring, TickOutcome, TickRecord, TickSort, UnifiedSchedule,
};

use crate::harness::on_each_database;
use crate::paging::{assert_filters, assert_list, bounds, choices, directed, text_is_met, texts};
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
        for order in [SortOrder::Ascending, SortOrder::Descending] {
            for key in TickSort::KEYS {
                let mut expected = ledger.clone();
                expected.sort_by(|a, b| compare(key(order), a, b));
                assert_list(&expected, async |page| {
                    ticks
                        .tick_list(&TickFilter::default(), key(order), page)
                        .await
                        .unwrap()
                })
                .await;
            }
        }
        let of_one = TickFilter::of([TickCondition::ScheduleId(Choice::Is(schedules[0].id))]);
        let expected: Vec<Tick> = ledger
            .into_iter()
            .filter(|tick| tick.schedule_id == schedules[0].id)
            .collect();
        assert_list(&expected, async |page| {
            ticks.tick_list(&of_one, TickSort::default(), page).await.unwrap()
        })
        .await;
    })
    .await;
}

/// Conditions on every field, with values that some of the rows have and values that none has.
fn conditions(ledger: &[Tick]) -> Vec<TickCondition> {
    let mut schedules: Vec<ScheduleId> = ledger.iter().map(|tick| tick.schedule_id).collect();
    schedules.push(ScheduleId::new());
    schedules.sort();
    schedules.dedup();
    let mut jobs: Vec<JobId> = ledger.iter().filter_map(|tick| tick.record.job_id).collect();
    jobs.push(JobId::new());
    // Around both ends of the run of ticks from 120 through 600, and of the single ones.
    let around = [59, 60, 61, 90, 119, 120, 121, 599, 600, 601, 660, 661].map(at);
    let decided = [60, 120, 600].map(|second| at(second) + TimeDelta::microseconds(1));
    let mut all = Vec::new();
    all.extend(choices(&schedules).into_iter().map(TickCondition::ScheduleId));
    all.extend(bounds(&around).into_iter().map(TickCondition::ScheduledFor));
    all.extend(bounds(&around).into_iter().map(TickCondition::Through));
    all.extend(choices(TickOutcome::ALL).into_iter().map(TickCondition::Outcome));
    all.extend([true, false].map(TickCondition::ByHand));
    let reasons = texts(&["it's \"no\" use, 100%"], &["", "NO", "100%", "_"]);
    all.extend(reasons.into_iter().map(TickCondition::Reason));
    all.extend(choices(&jobs).into_iter().map(TickCondition::JobId));
    all.extend(bounds(&decided).into_iter().map(TickCondition::DecidedAt));
    all
}

/// What the documentation of the condition says.
fn matches(condition: &TickCondition, tick: &Tick) -> bool {
    let record = &tick.record;
    match condition {
        TickCondition::ScheduleId(choice) => choice.is_met_by(Some(&tick.schedule_id)),
        TickCondition::ScheduledFor(bound) => bound.is_met_by(Some(&record.scheduled_for)),
        TickCondition::Through(bound) => bound.is_met_by(Some(&record.through)),
        TickCondition::Outcome(choice) => choice.is_met_by(Some(&record.outcome)),
        TickCondition::ByHand(by_hand) => *by_hand == (tick.request > 0),
        TickCondition::Reason(text) => text_is_met(text, record.reason.as_deref()),
        TickCondition::JobId(choice) => choice.is_met_by(record.job_id.as_ref()),
        TickCondition::DecidedAt(bound) => bound.is_met_by(Some(&record.decided_at)),
    }
}

#[tokio::test]
async fn each_condition_leaves_the_ticks_that_meet_it() {
    on_each_database(async |repositories| {
        let (schedules, mut ledger) = stored(&repositories).await;
        let triggered = ManualRuns {
            schedule_id: schedules[0].id,
            outcome: TickOutcome::Triggered,
            reason: "by hand".into(),
            input: None,
            runs: vec![ManualRun {
                job_id: JobId::new(),
                instant: at(700),
                run_after: at(700),
            }],
            decided_at: at(700),
        };
        repositories.ticks().tick_add_manual(&triggered).await.unwrap();
        let newest = repositories
            .ticks()
            .tick_list(&TickFilter::default(), TickSort::default(), everything())
            .await
            .unwrap();
        ledger.insert(0, newest.items[0].clone());
        assert_filters(
            TickCondition::FIELDS,
            TickCondition::field,
            &conditions(&ledger),
            &ledger,
            matches,
            async |filter| {
                let ticks = repositories.ticks();
                ticks
                    .tick_list(filter, TickSort::default(), everything())
                    .await
                    .unwrap()
            },
        )
        .await;
    })
    .await;
}

/// What the documentation of the sort says.
fn compare(sort: TickSort, a: &Tick, b: &Tick) -> Ordering {
    let TickSort::ScheduledFor(order) = sort;
    let key = |tick: &Tick| (tick.record.scheduled_for, tick.schedule_id, tick.request);
    directed(order, key(a).cmp(&key(b)))
}
