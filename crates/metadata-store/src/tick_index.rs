use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratchet_interfaces::ScheduleId;
use ratchet_repository_bridge::{ScheduleJobData, Timetable};

use crate::store::DueTick;
use crate::timetable_pool::TimetablePool;

/// Every armed schedule by id, and those that wait in the order of their next ticks.
///
/// ```text
///            upsert                 take_due             begin              settle
///  (absent) ───────► Waiting ─────────────► Activated ─────────► Firing ─────────► Waiting
///                       ▲                                           │
///                       └──────────── resettle (row read again) ────┘
/// ```
///
/// The order is that in which the engine has to act: on a tick when it is due, which is its nominal instant and the
/// schedule's spread, and on a paused schedule when it resumes.
///
/// A schedule is in `order` exactly while it is `Waiting`. An edit that comes while its tick is on the way changes
/// the entry but not where it stands; whoever ends the way puts it back with the newest of what is known. A stale
/// next tick does no harm: the transaction that fires compares it with the row.
#[derive(Default)]
pub(crate) struct TickIndex {
    entries: HashMap<ScheduleId, Entry>,
    order: BTreeSet<(i64, ScheduleId)>,
    /// How many entries are `Activated`.
    activated: usize,
    timetables: TimetablePool,
}

struct Entry {
    /// The nominal instant of the next tick, in microseconds since the epoch: half the size of a `DateTime` with its
    /// nanoseconds and padding.
    next: i64,
    /// When the engine has to act, in the same unit.
    wake: i64,
    timetable: Arc<Timetable>,
    timing_version: u32,
    place: Place,
    resumes: bool,
}

impl Entry {
    fn tick(&self, id: ScheduleId) -> DueTick {
        DueTick {
            schedule_id: id,
            timing_version: self.timing_version,
            scheduled_for: instant(self.next),
            timetable: Arc::clone(&self.timetable),
            resumes: self.resumes,
        }
    }

    /// Sets the next tick of a schedule that is not paused.
    fn wait_for(&mut self, id: ScheduleId, next: i64) {
        (self.next, self.resumes) = (next, false);
        self.wake = due(&self.timetable, id, next);
    }
}

/// When the tick of this nominal instant is due.
fn due(timetable: &Timetable, id: ScheduleId, next: i64) -> i64 {
    next.saturating_add(timetable.offset(id).num_microseconds().unwrap_or(0))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Waiting,
    Activated,
    Firing,
}

impl TickIndex {
    /// Adds a schedule, or replaces what is known of it by something at least as new.
    pub(crate) fn upsert(&mut self, schedule: ScheduleJobData) {
        self.write(schedule, Write::KeepPlace);
    }

    /// As [`TickIndex::upsert`], and ends the way of a tick that was being fired.
    pub(crate) fn resettle(&mut self, schedule: ScheduleJobData) {
        self.write(schedule, Write::EndFiring);
    }

    fn write(&mut self, schedule: ScheduleJobData, write: Write) {
        let ScheduleJobData {
            id,
            timing_version,
            timetable,
            next_run,
            resume_at,
        } = schedule;
        let next = next_run.timestamp_micros();
        let timetable = self.timetables.share(timetable);
        let wake = match resume_at {
            Some(resume_at) => resume_at.timestamp_micros(),
            None => due(&timetable, id, next),
        };
        let resumes = resume_at.is_some();
        let Some(entry) = self.entries.get_mut(&id) else {
            self.entries.insert(
                id,
                Entry {
                    next,
                    wake,
                    timetable,
                    timing_version,
                    place: Place::Waiting,
                    resumes,
                },
            );
            self.order.insert((wake, id));
            return;
        };
        if entry.place == Place::Waiting {
            self.order.remove(&(entry.wake, id));
        }
        let unused = if entry.timing_version <= timing_version {
            (entry.next, entry.wake, entry.timing_version, entry.resumes) =
                (next, wake, timing_version, resumes);
            std::mem::replace(&mut entry.timetable, timetable)
        } else {
            timetable
        };
        self.timetables.give_back(unused);
        if matches!(write, Write::EndFiring) {
            self.activated -= usize::from(entry.place == Place::Activated);
            entry.place = Place::Waiting;
        }
        if entry.place == Place::Waiting {
            self.order.insert((entry.wake, id));
        }
    }

    /// Forgets a schedule.
    pub(crate) fn remove(&mut self, id: ScheduleId) {
        if let Some(entry) = self.entries.remove(&id) {
            match entry.place {
                Place::Waiting => drop(self.order.remove(&(entry.wake, id))),
                Place::Activated => self.activated -= 1,
                Place::Firing => {}
            }
            self.timetables.give_back(entry.timetable);
        }
    }

    /// When the first of the schedules that wait is due.
    pub(crate) fn earliest(&self) -> Option<DateTime<Utc>> {
        self.order.first().map(|(next, _)| instant(*next))
    }

    /// Takes up to `limit` schedules whose next tick is at or before `now`: the earliest first, or where some are later
    /// than others the earliest and the latest by turns, so that neither wait for a long line of the others.
    pub(crate) fn take_due(&mut self, now: DateTime<Utc>, limit: usize) -> Vec<ScheduleId> {
        let now = now.timestamp_micros();
        let mut due = Vec::new();
        let by_turns = match (self.order.first(), self.latest_due(now)) {
            (Some((earliest, _)), Some((latest, _))) => *earliest < latest,
            _ => return due,
        };
        while due.len() < limit {
            let taken = if by_turns && due.len() % 2 == 1 {
                self.latest_due(now).filter(|key| self.order.remove(key))
            } else if self.order.first().is_some_and(|(next, _)| *next <= now) {
                self.order.pop_first()
            } else {
                None
            };
            let Some((_, id)) = taken else { break };
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.place = Place::Activated;
                self.activated += 1;
                due.push(id);
            }
        }
        due
    }

    /// The latest of the next ticks that are due, with its schedule.
    fn latest_due(&self, now: i64) -> Option<(i64, ScheduleId)> {
        let past = (now.saturating_add(1), ScheduleId::from_uuid(uuid::Uuid::nil()));
        self.order.range(..past).next_back().copied()
    }

    /// The tick of a schedule that was taken: once for each time it was taken.
    pub(crate) fn begin(&mut self, id: ScheduleId) -> Option<DueTick> {
        let entry = self
            .entries
            .get_mut(&id)
            .filter(|entry| entry.place == Place::Activated)?;
        entry.place = Place::Firing;
        self.activated -= 1;
        Some(entry.tick(id))
    }

    /// The tick of a schedule that waits, if it is due: taken and begun in one.
    pub(crate) fn begin_again(&mut self, id: ScheduleId, now: DateTime<Utc>) -> Option<DueTick> {
        let now = now.timestamp_micros();
        let entry = self
            .entries
            .get_mut(&id)
            .filter(|entry| entry.place == Place::Waiting && entry.wake <= now)?;
        self.order.remove(&(entry.wake, id));
        entry.place = Place::Firing;
        Some(entry.tick(id))
    }

    /// Ends the way of a tick: the schedule waits for `next`, or is forgotten if there is none. Where the schedule
    /// was edited since `timing_version`, what the edit said holds.
    pub(crate) fn settle(&mut self, id: ScheduleId, timing_version: u32, next: Option<DateTime<Utc>>) {
        let Some(entry) = self
            .entries
            .get_mut(&id)
            .filter(|entry| entry.place == Place::Firing)
        else {
            return;
        };
        if entry.timing_version == timing_version {
            match next {
                Some(next) => entry.wait_for(id, next.timestamp_micros()),
                None => return self.remove(id),
            }
        }
        entry.place = Place::Waiting;
        self.order.insert((entry.wake, id));
    }

    /// The next tick of a schedule, wherever it stands.
    pub(crate) fn find(&self, id: ScheduleId) -> Option<DueTick> {
        self.entries.get(&id).map(|entry| entry.tick(id))
    }

    /// Whether a tick is due that was not begun, be it that it waits to be taken or was taken.
    pub(crate) fn has_due(&self, now: DateTime<Utc>) -> bool {
        self.activated > 0 || self.earliest().is_some_and(|earliest| earliest <= now)
    }

    /// Of ticks that are on their way, those that an edit has changed since and that are still due, as they are now, each with
    /// its place; the last comes first.
    pub(crate) fn renewed(&self, ticks: &[DueTick], now: DateTime<Utc>) -> Vec<(usize, DueTick)> {
        let now = now.timestamp_micros();
        let renewed = |(place, tick): (usize, &DueTick)| {
            let entry = self.entries.get(&tick.schedule_id)?;
            let is_changed = entry.place == Place::Firing && entry.timing_version > tick.timing_version;
            (is_changed && entry.wake <= now).then(|| (place, entry.tick(tick.schedule_id)))
        };
        ticks.iter().enumerate().rev().filter_map(renewed).collect()
    }

    /// Whether a tick of the schedule was taken and is not settled.
    pub(crate) fn is_on_its_way(&self, id: ScheduleId) -> bool {
        self.entries
            .get(&id)
            .is_some_and(|entry| entry.place != Place::Waiting)
    }

    /// How many schedules there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many of them have a tick on the way.
    pub(crate) fn in_flight(&self) -> usize {
        self.entries.len() - self.order.len()
    }
}

#[derive(Clone, Copy)]
enum Write {
    KeepPlace,
    EndFiring,
}

/// Back from what [`DateTime::timestamp_micros`] gave: every value in the index came from there.
fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use ratchet_interfaces::SchedulePolicies;
    use ratchet_recurrence::{Specification, Zone};

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_225_600 + second, 0).unwrap()
    }

    fn schedule(id: ScheduleId, timing_version: u32, next: i64) -> ScheduleJobData {
        ScheduleJobData {
            id,
            timing_version,
            timetable: Timetable {
                specification: Specification::parse("* * * * * *", Zone::UTC).unwrap(),
                policies: SchedulePolicies::default(),
                excludes_since: None,
            },
            next_run: at(next),
            resume_at: None,
        }
    }

    #[test]
    fn a_spread_tick_is_due_after_its_nominal_instant_and_keeps_it() {
        let mut index = TickIndex::default();
        let id = ScheduleId::new();
        let mut spread = schedule(id, 1, 10);
        spread.timetable.policies.spread = TimeDelta::seconds(600);
        let offset = spread.timetable.offset(id);
        index.upsert(spread);
        assert_eq!(index.earliest(), Some(at(10) + offset));
        assert!(
            index
                .take_due(at(10) + offset - TimeDelta::microseconds(1), 10)
                .is_empty()
        );
        assert_eq!(index.take_due(at(10) + offset, 10), [id]);
        assert_eq!(index.begin(id).unwrap().scheduled_for, at(10));
        index.settle(id, 1, Some(at(20)));
        assert_eq!(index.earliest(), Some(at(20) + offset));
    }

    #[test]
    fn a_tick_on_its_way_is_renewed_by_an_edit_that_leaves_it_due() {
        let mut index = TickIndex::default();
        let ids: Vec<_> = (0..3).map(|_| ScheduleId::new()).collect();
        for id in &ids {
            index.upsert(schedule(*id, 1, 10));
        }
        let mut taken = index.take_due(at(10), 10);
        taken.sort_by_key(|id| ids.iter().position(|other| other == id));
        let ticks: Vec<_> = taken.iter().map(|id| index.begin(*id).unwrap()).collect();
        assert!(index.renewed(&ticks, at(10)).is_empty());

        index.upsert(schedule(ids[0], 2, 10));
        index.upsert(schedule(ids[1], 2, 20));
        index.upsert(schedule(ids[2], 3, 10));
        let renewed = index.renewed(&ticks, at(10));
        let told: Vec<_> = renewed
            .iter()
            .map(|(place, tick)| (*place, tick.timing_version))
            .collect();
        assert_eq!(told, [(2, 3), (0, 2)]);
    }

    #[test]
    fn a_tick_that_waits_and_is_due_is_begun_again() {
        let mut index = TickIndex::default();
        let id = ScheduleId::new();
        index.upsert(schedule(id, 1, 10));
        assert!(index.begin_again(id, at(9)).is_none());
        assert_eq!(index.begin_again(id, at(10)).unwrap().scheduled_for, at(10));
        assert_eq!((index.earliest(), index.in_flight()), (None, 1));
        assert!(index.begin_again(id, at(10)).is_none());
        index.settle(id, 1, Some(at(20)));
        assert_eq!((index.earliest(), index.in_flight()), (Some(at(20)), 0));
    }

    #[test]
    fn a_paused_schedule_is_due_when_it_resumes() {
        let mut index = TickIndex::default();
        let id = ScheduleId::new();
        index.upsert(ScheduleJobData {
            resume_at: Some(at(100)),
            ..schedule(id, 1, 10)
        });
        assert!(index.take_due(at(99), 10).is_empty());
        assert_eq!(index.take_due(at(100), 10), [id]);
        let tick = index.begin(id).unwrap();
        assert_eq!((tick.scheduled_for, tick.resumes), (at(10), true));
    }

    #[test]
    fn an_entry_fits_its_budget() {
        // With the id, the hash table's control byte and the node of the order.
        assert!(
            size_of::<(ScheduleId, Entry)>() <= 48,
            "{}",
            size_of::<(ScheduleId, Entry)>()
        );
        assert_eq!(size_of::<(i64, ScheduleId)>(), 24);
    }

    #[test]
    fn due_schedules_are_taken_in_the_order_of_time() {
        let mut index = TickIndex::default();
        let ids: Vec<_> = (0..3).map(|_| ScheduleId::new()).collect();
        for (id, next) in ids.iter().zip([30, 10, 20]) {
            index.upsert(schedule(*id, 1, next));
        }
        assert_eq!(index.take_due(at(25), 10), vec![ids[1], ids[2]]);
        assert_eq!(index.earliest(), Some(at(30)));
        assert_eq!(index.in_flight(), 2);
    }

    #[test]
    fn a_schedule_that_is_just_due_does_not_wait_for_a_long_line_of_earlier_ones() {
        let mut index = TickIndex::default();
        let ids: Vec<_> = (0..50).map(|_| ScheduleId::new()).collect();
        for (id, next) in ids.iter().zip(0..) {
            index.upsert(schedule(*id, 1, next));
        }
        let mut taken = index.take_due(at(40), 10);
        assert!(taken.contains(&ids[40]) && taken.contains(&ids[0]));
        while taken.len() < 41 {
            let more = index.take_due(at(40), 10);
            assert!(!more.is_empty());
            taken.extend(more);
        }
        assert!(index.take_due(at(40), 10).is_empty());
        taken.sort_unstable();
        assert_eq!(taken, ids[..=40]);
    }

    #[test]
    fn a_tick_is_begun_once_for_each_time_it_is_taken() {
        let mut index = TickIndex::default();
        let id = ScheduleId::new();
        index.upsert(schedule(id, 1, 10));
        assert!(index.begin(id).is_none(), "not yet taken");
        index.take_due(at(10), 10);
        assert_eq!(index.begin(id).unwrap().scheduled_for, at(10));
        assert!(index.begin(id).is_none());
        index.settle(id, 1, Some(at(11)));
        assert_eq!(index.earliest(), Some(at(11)));
    }

    #[test]
    fn an_edit_while_a_tick_is_on_the_way_wins_over_its_settling() {
        let mut index = TickIndex::default();
        let id = ScheduleId::new();
        index.upsert(schedule(id, 1, 10));
        index.take_due(at(10), 10);
        index.begin(id).unwrap();
        index.upsert(schedule(id, 2, 500));
        assert_eq!(index.earliest(), None, "the tick is still on its way");
        index.settle(id, 1, Some(at(11)));
        assert_eq!(index.earliest(), Some(at(500)));
    }

    #[test]
    fn an_older_version_does_not_replace_a_newer_one() {
        let mut index = TickIndex::default();
        let id = ScheduleId::new();
        index.upsert(schedule(id, 2, 10));
        index.upsert(schedule(id, 1, 5));
        assert_eq!(index.earliest(), Some(at(10)));
    }

    #[test]
    fn a_schedule_removed_while_its_tick_is_on_the_way_stays_removed() {
        let mut index = TickIndex::default();
        let id = ScheduleId::new();
        index.upsert(schedule(id, 1, 10));
        index.take_due(at(10), 10);
        index.begin(id).unwrap();
        index.remove(id);
        index.settle(id, 1, Some(at(11)));
        assert_eq!((index.len(), index.earliest()), (0, None));
    }

    #[test]
    fn a_schedule_without_a_next_tick_is_forgotten() {
        let mut index = TickIndex::default();
        let id = ScheduleId::new();
        index.upsert(schedule(id, 1, 10));
        index.take_due(at(10), 10);
        index.begin(id).unwrap();
        index.settle(id, 1, None);
        assert_eq!(index.len(), 0);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Upsert(usize, u32, i64),
        Remove(usize),
        TakeDue(i64),
        Begin(usize),
        Settle(usize, u32, Option<i64>),
        Resettle(usize, u32, i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let id = 0..4_usize;
        prop_oneof![
            (id.clone(), 0..3_u32, 0..20_i64).prop_map(|(id, timing_version, next)| Step::Upsert(
                id,
                timing_version,
                next
            )),
            id.clone().prop_map(Step::Remove),
            (0..20_i64).prop_map(Step::TakeDue),
            id.clone().prop_map(Step::Begin),
            (id.clone(), 0..3_u32, proptest::option::of(0..20_i64))
                .prop_map(|(id, timing_version, next)| Step::Settle(id, timing_version, next)),
            (id.clone(), 0..3_u32, 0..20_i64).prop_map(|(id, timing_version, next)| Step::Resettle(
                id,
                timing_version,
                next
            )),
        ]
    }

    proptest! {
        #[test]
        fn the_order_always_holds_exactly_the_schedules_that_wait(steps in proptest::collection::vec(step(), 0..80)) {
            let ids: Vec<_> = (0..4).map(|_| ScheduleId::new()).collect();
            let mut index = TickIndex::default();
            for step in steps {
                match step {
                    Step::Upsert(id, timing_version, next) => index.upsert(schedule(ids[id], timing_version, next)),
                    Step::Remove(id) => index.remove(ids[id]),
                    Step::TakeDue(now) => drop(index.take_due(at(now), 2)),
                    Step::Begin(id) => drop(index.begin(ids[id])),
                    Step::Settle(id, timing_version, next) => index.settle(ids[id], timing_version, next.map(at)),
                    Step::Resettle(id, timing_version, next) => index.resettle(schedule(ids[id], timing_version, next)),
                }
                let waiting: BTreeSet<_> = index
                    .entries
                    .iter()
                    .filter(|(_, entry)| entry.place == Place::Waiting)
                    .map(|(id, entry)| (entry.wake, *id))
                    .collect();
                prop_assert_eq!(&waiting, &index.order);
                let activated = index.entries.values().filter(|entry| entry.place == Place::Activated).count();
                prop_assert_eq!(activated, index.activated);
            }
        }
    }
}
