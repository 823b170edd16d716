//! Debian's rule by brute force: a walk through real time around changes of the clock, step by step.
//!
//! The walk shares nothing with the crate. It keeps the highest local time seen so far; a fixed-time job runs
//! when that mark reaches or passes a match, a wildcard job whenever the local time shown matches.

use std::sync::LazyLock;

use chrono::{DateTime, Duration, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use ratchet_recurrence::{CronError, Recurrence, Zone};

use crate::at;
use crate::expressions::{Expression, any_fields, five_fields};

/// Zones and years whose changes are worth a look, and why.
const CHANGES: &[(Tz, &str)] = &[
    (Tz::America__New_York, "2026"),
    (Tz::Europe__Berlin, "2026"),
    // Negative daylight saving: winter is the exception.
    (Tz::Europe__Dublin, "2026"),
    // Half an hour.
    (Tz::Australia__Lord_Howe, "2026"),
    // At midnight: the gap swallows 00:00, the overlap repeats 23:00 of the day before.
    (Tz::America__Sao_Paulo, "2018"),
    (Tz::America__Santiago, "2026"),
    // A whole day skipped.
    (Tz::Pacific__Apia, "2011"),
    (Tz::Pacific__Kwajalein, "1993"),
    // Twenty-three hours lived twice.
    (Tz::Pacific__Kwajalein, "1969"),
    // Out and back around Ramadan.
    (Tz::Africa__Casablanca, "2026"),
    // Two hours.
    (Tz::Antarctica__Troll, "2026"),
    // A quarter of an hour, and seconds: local mean time's last days.
    (Tz::Asia__Kathmandu, "1986"),
    (Tz::Africa__Monrovia, "1972"),
    (Tz::America__Juneau, "1867"),
    (Tz::Asia__Manila, "1844"),
    (Tz::Europe__Amsterdam, "1892"),
    (Tz::UTC, "2026"),
];

/// A stretch of real time, with the local time of each of its steps.
struct Walk {
    zone: Tz,
    start: DateTime<Utc>,
    step: Duration,
    shown: Vec<NaiveDateTime>,
}

impl Walk {
    fn new(zone: Tz, start: DateTime<Utc>, length: Duration, step: Duration) -> Self {
        let steps = (length.num_seconds() / step.num_seconds()) as i32;
        let shown = (0..steps)
            .map(|n| (start + step * n).with_timezone(&zone).naive_local())
            .collect();
        Self {
            zone,
            start,
            step,
            shown,
        }
    }

    fn end(&self) -> DateTime<Utc> {
        self.start + self.step * self.shown.len() as i32
    }

    /// Every tick of the walk except at its first step, whose past is unknown.
    fn ticks(&self, expression: &Expression) -> Vec<DateTime<Utc>> {
        let mut ticks = Vec::new();
        let mut mark = self.shown[0];
        for (n, &shown) in (0..).zip(&self.shown).skip(1) {
            let mut fires = false;
            if expression.is_wildcard() {
                fires = expression.matches(shown);
            } else {
                while mark < shown {
                    mark += self.step;
                    fires |= expression.matches(mark);
                }
            }
            if fires {
                ticks.push(self.start + self.step * n);
            }
        }
        ticks
    }
}

pub(crate) fn changes(zone: Tz, year: &str) -> Vec<DateTime<Utc>> {
    let offset = |instant: DateTime<Utc>| zone.offset_from_utc_datetime(&instant.naive_utc()).fix();
    let start = at(&format!("{year}-01-01T00:00:00Z"));
    let hours: Vec<DateTime<Utc>> = (0..366 * 24).map(|hour| start + Duration::hours(hour)).collect();
    let mut found: Vec<_> = hours
        .windows(2)
        .filter(|pair| offset(pair[0]) != offset(pair[1]))
        .map(|pair| pair[1])
        .collect();
    if found.is_empty() {
        found.push(start);
    }
    found
}

/// Whole minutes, over the days around each change whose offsets are whole minutes.
static BY_MINUTE: LazyLock<Vec<Walk>> = LazyLock::new(|| {
    let around = |zone, change: DateTime<Utc>| {
        Walk::new(
            zone,
            change - Duration::hours(30),
            Duration::hours(84),
            Duration::minutes(1),
        )
    };
    CHANGES
        .iter()
        .flat_map(|(zone, year)| {
            changes(*zone, year)
                .into_iter()
                .map(move |change| around(*zone, change))
        })
        .filter(|walk| {
            walk.shown
                .iter()
                .all(|shown| shown.and_utc().timestamp() % 60 == 0)
        })
        .collect()
});

/// Single seconds, over the hour before each change and the hours after.
static BY_SECOND: LazyLock<Vec<Walk>> = LazyLock::new(|| {
    let around = |zone, change: DateTime<Utc>| {
        Walk::new(
            zone,
            change - Duration::minutes(100),
            Duration::minutes(240),
            Duration::seconds(1),
        )
    };
    CHANGES
        .iter()
        .flat_map(|(zone, year)| {
            changes(*zone, year)
                .into_iter()
                .map(move |change| around(*zone, change))
        })
        .collect()
});

/// The parsed expression, unless no date satisfies it; any other refusal is a failure.
pub(crate) fn parsed(expression: &Expression, zone: Zone) -> Option<Recurrence> {
    match Recurrence::cron(&expression.text(), zone) {
        Ok(recurrence) => Some(recurrence),
        Err(CronError::NeverFires { .. }) => None,
        Err(other) => panic!("{} was refused: {other}", expression.text()),
    }
}

fn agree(walk: &Walk, expression: &Expression) -> Result<(), TestCaseError> {
    let Some(recurrence) = parsed(expression, walk.zone.into()) else {
        return Ok(());
    };
    let ours: Vec<_> = recurrence
        .upcoming(walk.start)
        .take_while(|tick| *tick < walk.end())
        .collect();
    let theirs = walk.ticks(expression);
    prop_assert_eq!(&ours, &theirs, "{} in {}", expression.text(), walk.zone);

    // Not only from tick to tick: a start anywhere, above all within a repeated hour, sees the same ticks.
    let mut start = walk.start;
    while start < walk.end() {
        if let Some(expected) = theirs.iter().find(|tick| **tick > start) {
            prop_assert_eq!(
                recurrence.next_after(start),
                Some(*expected),
                "{} after {}",
                expression.text(),
                start
            );
        }
        start += walk.step * 13;
    }
    Ok(())
}

#[test]
fn every_listed_change_is_walked() {
    // Fifteen zones change, most of them twice in their year; whoever loses one loses coverage in silence.
    assert!(BY_SECOND.len() >= 24, "{}", BY_SECOND.len());
    assert!(BY_MINUTE.len() >= 20, "{}", BY_MINUTE.len());
}

proptest! {
    #![proptest_config(crate::cases(700))]

    #[test]
    fn five_fields_fire_as_a_walk_minute_by_minute_says(walk in 0..1000usize, expression in five_fields()) {
        agree(&BY_MINUTE[walk % BY_MINUTE.len()], &expression)?;
    }
}

proptest! {
    #![proptest_config(crate::cases(300))]

    #[test]
    fn any_fields_fire_as_a_walk_second_by_second_says(walk in 0..1000usize, expression in any_fields()) {
        agree(&BY_SECOND[walk % BY_SECOND.len()], &expression)?;
    }
}
