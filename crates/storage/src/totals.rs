//! How many rows a list has.
//!
//! A database counts by passing over every entry of an index. A total below [`EXACT`] is counted for each page; a larger
//! one is kept for a time that grows with what counting it takes, so that however often a long list is asked for, counting
//! takes a few hundredths of a processor: a million rows are counted in some 20 ms, and then for a second not again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use tokio::time::Instant;

use crate::list::number;

/// Fewer rows than these are counted each time.
const EXACT: u64 = 10_000;
/// How long a total is kept, for each row that was counted.
const KEPT_FOR_A_ROW: Duration = Duration::from_micros(1);
/// How much longer than what counting it took, if that is more: not every filter has an index.
const KEPT_FOR_ITS_TIME: u32 = 20;
const LONGEST_KEPT: Duration = Duration::from_secs(60);
/// How many totals are kept at most; each is of another list.
const MOST: usize = 256;

/// The totals of long lists.
#[derive(Debug, Default)]
pub(crate) struct Totals(Mutex<HashMap<String, Kept>>);

#[derive(Clone, Copy, Debug)]
struct Kept {
    rows: u64,
    until: Instant,
    period: Duration,
}

impl Totals {
    /// What a statement counts, or has counted a moment ago.
    pub(crate) async fn count(&self, db: &impl ConnectionTrait, statement: Statement) -> Result<u64, DbErr> {
        let list = format!("{} {:?}", statement.sql, statement.values);
        let begin = Instant::now();
        if let Some(rows) = self.kept(&list, begin) {
            return Ok(rows);
        }
        let rows = number(db.query_one_raw(statement).await?)?;
        let now = Instant::now();
        self.keep(list, rows, now, now - begin);
        Ok(rows)
    }

    fn kept(&self, list: &str, now: Instant) -> Option<u64> {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = totals.get_mut(list)?;
        if kept.until > now {
            return Some(kept.rows);
        }
        // Whoever finds it too old counts; others take the old one meanwhile.
        kept.until = now + kept.period;
        None
    }

    fn keep(&self, list: String, rows: u64, now: Instant, took: Duration) {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rows < EXACT {
            totals.remove(&list);
            return;
        }
        if totals.len() >= MOST && !totals.contains_key(&list) {
            totals.retain(|_, kept| kept.until > now);
        }
        if totals.len() < MOST || totals.contains_key(&list) {
            let period = period(rows, took);
            let until = now + period;
            totals.insert(list, Kept { rows, until, period });
        }
    }
}

fn period(rows: u64, took: Duration) -> Duration {
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    KEPT_FOR_A_ROW
        .saturating_mul(rows)
        .max(took.saturating_mul(KEPT_FOR_ITS_TIME))
        .min(LONGEST_KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Duration = Duration::from_millis(1);

    #[test]
    fn a_large_total_is_kept_for_a_microsecond_a_row() {
        let (totals, now) = (Totals::default(), Instant::now());
        totals.keep("jobs".to_owned(), 1_000_000, now, Duration::ZERO);
        assert_eq!(
            totals.kept("jobs", now + Duration::from_secs(1) - LATER),
            Some(1_000_000)
        );
        assert_eq!(totals.kept("others", now), None);
        assert_eq!(period(u64::MAX, Duration::ZERO), LONGEST_KEPT);
        let took = Duration::from_millis(900);
        assert_eq!(period(1_000_000, took), took * KEPT_FOR_ITS_TIME);
    }

    #[test]
    fn one_counts_what_is_too_old_and_the_others_take_it() {
        let (totals, now) = (Totals::default(), Instant::now());
        totals.keep("jobs".to_owned(), EXACT, now, Duration::ZERO);
        let old = now + Duration::from_secs(1);
        assert_eq!(totals.kept("jobs", old), None);
        assert_eq!(totals.kept("jobs", old), Some(EXACT));
        // If the one that counts has not come back by then, another one does.
        assert_eq!(totals.kept("jobs", old + period(EXACT, Duration::ZERO)), None);
    }

    #[test]
    fn a_list_that_is_short_or_became_so_is_counted_each_time() {
        let (totals, now) = (Totals::default(), Instant::now());
        totals.keep("jobs".to_owned(), EXACT - 1, now, Duration::ZERO);
        assert_eq!(totals.kept("jobs", now), None);
        totals.keep("jobs".to_owned(), EXACT, now, Duration::ZERO);
        totals.keep("jobs".to_owned(), EXACT - 1, now, Duration::ZERO);
        assert_eq!(totals.kept("jobs", now), None);
    }

    #[test]
    fn no_more_totals_are_kept_than_there_is_room_for_and_old_ones_make_room() {
        let (totals, now) = (Totals::default(), Instant::now());
        for number in 0..=MOST {
            totals.keep(number.to_string(), EXACT, now, Duration::ZERO);
        }
        assert_eq!(totals.kept(&MOST.to_string(), now), None);
        assert_eq!(totals.kept("0", now), Some(EXACT));
        let later = now + Duration::from_secs(1);
        totals.keep("late".to_owned(), EXACT, later, Duration::ZERO);
        assert_eq!(totals.kept("late", later), Some(EXACT));
    }
}
