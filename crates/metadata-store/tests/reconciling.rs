//! Edits of a schedule that overtake each other on their way from the row to the index.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use ratchet_interfaces::{
    ChangedSchedules, InvalidSchedules, ManualClock, MockFactRepository, MockJobRepository,
    MockRepositoryFactory, MockTickRepository, Page, PageRequest, RepositoryError, ScheduleChange,
    ScheduleDeletion, ScheduleFilter, ScheduleId, SchedulePeriod, SchedulePolicies, ScheduleRepository,
    ScheduleSelection, ScheduleSort, ScheduleStatistics, ScheduleTiming, TaskId, UnifiedSchedule,
};
use ratchet_metadata_store::MetadataStore;
use ratchet_repository_bridge::RepositoryBridge;

/// The enabled rows. What a read found reaches the reader a number of turns later, as over a connection.
#[derive(Default)]
struct Rows {
    enabled: Mutex<HashMap<ScheduleId, ScheduleTiming>>,
    turns: Mutex<VecDeque<usize>>,
}

impl Rows {
    async fn travel(&self) {
        let turns = self.turns.lock().unwrap().pop_front().unwrap_or(0);
        wait(turns).await;
    }

    fn write(&self, id: ScheduleId, version: u32, edit: Edit) {
        let mut enabled = self.enabled.lock().unwrap();
        match edit {
            Edit::Enable { minute } => enabled.insert(id, timing(id, version, "* * * * *", minute)),
            Edit::Spoil => enabled.insert(id, timing(id, version, "now and then", 0)),
            Edit::Disable | Edit::Delete => enabled.remove(&id),
        };
    }
}

async fn wait(turns: usize) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
}

fn timing(id: ScheduleId, version: u32, cron: &str, minute: i64) -> ScheduleTiming {
    ScheduleTiming {
        id,
        timing_version: version,
        specification: cron.to_owned(),
        timezone: "UTC".to_owned(),
        policies: SchedulePolicies::default(),
        next_run: Some(start() + TimeDelta::minutes(minute)),
        resume_at: None,
        effective_from: start(),
    }
}

#[async_trait]
impl ScheduleRepository for Rows {
    async fn schedule_create(&self, _: &UnifiedSchedule) -> Result<(), RepositoryError> {
        unreachable!("the tests write the rows themselves")
    }

    async fn schedule_create_many(&self, _: &[UnifiedSchedule]) -> Result<(), RepositoryError> {
        unreachable!("the tests write the rows themselves")
    }

    async fn schedule_find(&self, _: ScheduleId) -> Result<Option<UnifiedSchedule>, RepositoryError> {
        unreachable!("the index needs no whole row")
    }

    async fn schedule_find_by_name(&self, _: &str) -> Result<Option<UnifiedSchedule>, RepositoryError> {
        unreachable!("the index needs no whole row")
    }

    async fn schedule_list(
        &self,
        _: &ScheduleFilter,
        _: ScheduleSort,
        _: PageRequest,
    ) -> Result<Page<UnifiedSchedule>, RepositoryError> {
        unreachable!("the index needs no whole row")
    }

    async fn schedule_list_selected(
        &self,
        _: &ScheduleSelection,
    ) -> Result<Vec<UnifiedSchedule>, RepositoryError> {
        unreachable!("the index needs no whole row")
    }

    async fn schedule_exists_for_task(&self, _: TaskId) -> Result<bool, RepositoryError> {
        unreachable!("the index knows no task")
    }

    async fn schedule_statistics(&self, _: DateTime<Utc>) -> Result<ScheduleStatistics, RepositoryError> {
        unreachable!("the index does not ask for it")
    }

    async fn schedule_list_invalid(&self, _: u32) -> Result<InvalidSchedules, RepositoryError> {
        unreachable!("the index needs no reasons")
    }

    async fn schedule_update(&self, _: &UnifiedSchedule) -> Result<UnifiedSchedule, RepositoryError> {
        unreachable!("the tests write the rows themselves")
    }

    async fn schedule_update_details(&self, _: &UnifiedSchedule) -> Result<UnifiedSchedule, RepositoryError> {
        unreachable!("the tests write the rows themselves")
    }

    async fn schedule_change_many(&self, _: &[ScheduleChange]) -> Result<ChangedSchedules, RepositoryError> {
        unreachable!("the tests write the rows themselves")
    }

    async fn schedule_delete_version(
        &self,
        _: ScheduleId,
        _: u32,
    ) -> Result<ScheduleDeletion, RepositoryError> {
        unreachable!("the store deletes no schedule")
    }

    async fn schedule_delete(&self, _: ScheduleId) -> Result<ScheduleDeletion, RepositoryError> {
        unreachable!("the tests write the rows themselves")
    }

    async fn schedule_list_timings(
        &self,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<ScheduleTiming>, RepositoryError> {
        let mut rows: Vec<_> = self.enabled.lock().unwrap().values().cloned().collect();
        rows.retain(|row| Some(row.id) > after);
        rows.sort_by_key(|row| row.id);
        rows.truncate(limit as usize);
        self.travel().await;
        Ok(rows)
    }

    async fn schedule_find_timing(&self, id: ScheduleId) -> Result<Option<ScheduleTiming>, RepositoryError> {
        let row = self.enabled.lock().unwrap().get(&id).cloned();
        self.travel().await;
        Ok(row)
    }

    async fn schedule_set_first_runs(
        &self,
        _: &[(ScheduleTiming, Result<DateTime<Utc>, String>)],
    ) -> Result<(), RepositoryError> {
        unreachable!("every row has its next run")
    }

    async fn schedule_move_next_runs(
        &self,
        _: &[(ScheduleTiming, Result<DateTime<Utc>, String>)],
    ) -> Result<(), RepositoryError> {
        unreachable!("the time-zone data are the same")
    }

    async fn schedule_list_periods(&self, _: ScheduleId) -> Result<Vec<SchedulePeriod>, RepositoryError> {
        unreachable!("the index knows the present only")
    }

    async fn schedule_scan(
        &self,
        _: Option<ScheduleId>,
        _: u32,
    ) -> Result<Vec<UnifiedSchedule>, RepositoryError> {
        unreachable!("the index needs no whole row")
    }

    async fn schedule_record_run(
        &self,
        _: ScheduleId,
        _: DateTime<Utc>,
        _: Option<DateTime<Utc>>,
    ) -> Result<(), RepositoryError> {
        unreachable!("nothing runs here")
    }

    async fn schedule_invalidate(
        &self,
        id: ScheduleId,
        timing_version: u32,
        _: &str,
    ) -> Result<(), RepositoryError> {
        {
            let mut enabled = self.enabled.lock().unwrap();
            if enabled
                .get(&id)
                .is_some_and(|row| row.timing_version == timing_version)
            {
                enabled.remove(&id);
            }
        }
        self.travel().await;
        Ok(())
    }
}

fn store_over(rows: &Arc<Rows>) -> MetadataStore {
    let rows = Arc::clone(rows);
    let mut factory = MockRepositoryFactory::new();
    factory
        .expect_schedules()
        .returning(move || Arc::clone(&rows) as _);
    factory
        .expect_jobs()
        .returning(|| Arc::new(MockJobRepository::new()));
    factory
        .expect_ticks()
        .returning(|| Arc::new(MockTickRepository::new()));
    factory.expect_facts().returning(|| {
        let mut facts = MockFactRepository::new();
        facts.expect_fact_find().returning(|_| Ok(None));
        facts.expect_fact_store().returning(|_| Ok(()));
        Arc::new(facts)
    });
    MetadataStore::new(
        Arc::new(RepositoryBridge::new(&factory)),
        Arc::new(ManualClock::at(start())),
    )
}

#[derive(Clone, Copy, Debug)]
enum Edit {
    Enable {
        minute: i64,
    },
    /// Enables it with a specification that cannot be understood.
    Spoil,
    Disable,
    Delete,
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => (1..50_i64).prop_map(|minute| Edit::Enable { minute }),
        1 => Just(Edit::Spoil),
        2 => Just(Edit::Disable),
        1 => Just(Edit::Delete),
    ]
}

/// An edit of one of three schedules, and how many turns go by before its row is written and before the engine is
/// told.
fn edits() -> impl Strategy<Value = Vec<(usize, Edit, usize, usize)>> {
    proptest::collection::vec((0..3_usize, edit(), 0..12_usize, 0..12_usize), 1..14)
}

fn on_one_thread(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work);
}

#[test]
fn a_schedule_that_is_disabled_and_at_once_enabled_again_is_armed() {
    on_one_thread(async {
        let rows = Arc::new(Rows::default());
        let store = store_over(&rows);
        let id = ScheduleId::new();
        rows.write(id, 2, Edit::Disable);
        // The first read finds the row disabled, and is long on its way.
        rows.turns.lock().unwrap().extend([20, 0]);
        let first = tokio::spawn({
            let store = store.clone();
            async move { store.reconcile(id).await }
        });
        wait(1).await;
        rows.write(id, 3, Edit::Enable { minute: 5 });
        store.reconcile(id).await.unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(store.next_tick_of(id), Some(start() + TimeDelta::minutes(5)));
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn when_all_edits_are_through_the_index_says_what_the_rows_say(
        edits in edits(),
        turns in proptest::collection::vec(0..16_usize, 40),
        load_after in proptest::option::of(0..30_usize),
    ) {
        on_one_thread(async {
            let rows = Arc::new(Rows { turns: Mutex::new(turns.into()), ..Rows::default() });
            let store = store_over(&rows);
            let ids: Vec<_> = (0..3).map(|_| ScheduleId::new()).collect();
            let mut tasks = Vec::new();
            let versions = Arc::new(Mutex::new(0));
            for (schedule, edit, before, between) in edits {
                let (store, rows, versions) = (store.clone(), Arc::clone(&rows), Arc::clone(&versions));
                let id = ids[schedule];
                tasks.push(tokio::spawn(async move {
                    wait(before).await;
                    let version = {
                        let mut version = versions.lock().unwrap();
                        *version += 1;
                        *version
                    };
                    rows.write(id, version, edit);
                    wait(between).await;
                    store.reconcile(id).await.unwrap();
                }));
            }
            if let Some(after) = load_after {
                let store = store.clone();
                tasks.push(tokio::spawn(async move {
                    wait(after).await;
                    store.load(|_| ()).await.unwrap();
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
            for id in ids {
                let row = rows.enabled.lock().unwrap().get(&id).and_then(|row| row.next_run);
                assert_eq!(store.next_tick_of(id), row);
            }
        });
    }
}
