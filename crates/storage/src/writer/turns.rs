use std::time::{Duration, Instant};

use super::queued::QueuedWrite;

/// Verbs that share a commit, or wait for one.
pub(super) type Group = Vec<Box<dyn QueuedWrite>>;

/// For so long after a verb of few rows another one is expected.
const EXPECTED_FOR: Duration = Duration::from_millis(100);

/// Which verbs are committed next.
///
/// Those of few rows take turns with those of many: all of the former that wait, then one of the latter. So who writes a row
/// waits for one verb of many rows at the most, and for no part of its own commit. While nobody writes a row or two, verbs
/// of many rows share their commits as well.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Whether the last commit was of verbs of few rows.
    few_had_theirs: bool,
    last_few: Option<Instant>,
}

impl Turns {
    /// Takes out what is committed next.
    pub(super) fn next(&mut self, waiting: &mut Group, now: Instant) -> Group {
        let (bulk, few): (Group, Group) = std::mem::take(waiting)
            .into_iter()
            .partition(|verb| verb.load().is_bulk());
        if !few.is_empty() {
            self.last_few = Some(now);
        }
        if bulk.is_empty() || (!few.is_empty() && !self.few_had_theirs) {
            self.few_had_theirs = true;
            *waiting = bulk;
            return few;
        }
        self.few_had_theirs = false;
        if self.last_few.is_none_or(|last| now - last > EXPECTED_FOR) {
            return bulk;
        }
        let mut bulk = bulk;
        let place = (0..bulk.len())
            .min_by_key(|place| bulk[*place].load())
            .unwrap_or(0);
        let one = bulk.remove(place);
        *waiting = few;
        waiting.extend(bulk);
        vec![one]
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use sea_orm::DbErr;

    use super::*;
    use crate::writer::{Load, Transaction};

    struct Waits(Load);

    #[async_trait]
    impl QueuedWrite for Waits {
        fn load(&self) -> Load {
            self.0
        }

        async fn run(&mut self, _: &Transaction<'_>) -> bool {
            true
        }

        fn answer(self: Box<Self>, _: &Result<(), DbErr>) {}
    }

    fn group(loads: &[Load]) -> Group {
        loads.iter().map(|load| Box::new(Waits(*load)) as _).collect()
    }

    fn loads(group: &Group) -> Vec<Load> {
        group.iter().map(|verb| verb.load()).collect()
    }

    #[test]
    fn few_rows_and_many_take_turns_and_ticks_come_before_other_work() {
        use Load::{Contended, Few, Many, Urgent};
        let (mut turns, now) = (Turns::default(), Instant::now());
        let mut waiting = group(&[Many, Few, Urgent, Contended, Urgent]);
        assert_eq!(loads(&turns.next(&mut waiting, now)), [Few, Contended]);
        waiting.extend(group(&[Few]));
        assert_eq!(loads(&turns.next(&mut waiting, now)), [Urgent]);
        assert_eq!(loads(&turns.next(&mut waiting, now)), [Few]);
        for expected in [Urgent, Many] {
            assert_eq!(loads(&turns.next(&mut waiting, now)), [expected]);
        }
        assert!(waiting.is_empty());
    }

    #[test]
    fn while_nobody_writes_a_row_verbs_of_many_share_a_commit() {
        use Load::{Few, Many, Urgent};
        let (mut turns, now) = (Turns::default(), Instant::now());
        assert_eq!(
            loads(&turns.next(&mut group(&[Many, Urgent]), now)),
            [Many, Urgent]
        );
        assert_eq!(loads(&turns.next(&mut group(&[Few]), now)), [Few]);
        let mut waiting = group(&[Many, Urgent]);
        assert_eq!(loads(&turns.next(&mut waiting, now + EXPECTED_FOR)), [Urgent]);
        waiting.extend(group(&[Many]));
        let later = now + EXPECTED_FOR * 2;
        assert_eq!(loads(&turns.next(&mut waiting, later)), [Many, Many]);
    }
}
