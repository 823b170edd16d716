//! How close two ticks can come.
//!
//! Between two changes of the clock, a cron expression's ticks lie as its local times do. So its shortest interval is
//! the shortest between two times of its day, or one across a change, and the changes are few enough to be looked at.
//! Exclusions and bounds only take ticks away, which makes no interval shorter.

use std::time::Duration;

use chrono_tz::Tz;

use crate::daylight::DaylightPolicy;
use crate::pattern::DAY;
use crate::source::Source;
use crate::specification::Specification;
use crate::timeline::{Change, Line, WINDOW};

/// The zone tables end with the year 2099.
const LAST_CHANGE: i64 = 130 * 366 * DAY;

impl Specification {
    /// A lower bound of the time between two ticks since 1970, daylight saving included; `None` if there is but one tick.
    ///
    /// For one source it is exact, except that days which never follow each other count as if they did. Several sources
    /// are taken to tick on all days, and an interval beside another source to meet it at any phase that they can have.
    #[must_use]
    pub fn shortest_interval(&self) -> Option<Duration> {
        let sources: Vec<&Source> = self.sources().collect();
        let line = self.line();
        let changes = changes(self.zone.tz());
        let mut shortest = i64::MAX;
        for (place, source) in sources.iter().enumerate() {
            shortest = shortest.min(within(source));
            for other in &sources[place + 1..] {
                shortest = shortest.min(between(source, other, line, self.daylight, &changes));
            }
        }
        let crons = sources.iter().any(|source| matches!(source, Source::Cron(_)));
        for change in changes.iter().filter(|_| crons) {
            shortest = shortest.min(self.across(*change, shortest));
        }
        if shortest == i64::MAX {
            return None;
        }
        Some(Duration::from_secs(shortest.max(1) as u64))
    }

    /// The shortest interval of the ticks from shortly before a change until the second one from it on.
    fn across(&self, change: Change, shortest: i64) -> i64 {
        let Some(first) = self.next_of_sources(change.at - 1) else {
            return shortest;
        };
        let mut shortest = match self.next_of_sources(first) {
            Some(second) => shortest.min(second - first),
            None => shortest,
        };
        let mut before = first.saturating_sub(shortest.min(2 * DAY)).min(change.at - 1);
        // What ticks before the change keeps its distance, so that there is little to walk over.
        while let Some(tick) = self.next_of_sources(before).filter(|tick| *tick < change.at) {
            before = tick;
            shortest = shortest.min(first - tick);
        }
        shortest
    }
}

fn changes(zone: Tz) -> Vec<Change> {
    let line = Line { zone };
    (0..LAST_CHANGE / WINDOW)
        .filter_map(|window| line.change_in(window * WINDOW, (window + 1) * WINDOW))
        .collect()
}

fn within(source: &Source) -> i64 {
    match source {
        Source::Cron(pattern) => smallest_gap(pattern.times_of_day(), DAY),
        Source::Interval(interval) => interval.every.seconds(),
        Source::Instants(instants) => {
            let pairs = instants.windows(2);
            pairs
                .map(|pair| pair[1].seconds() - pair[0].seconds())
                .min()
                .unwrap_or(i64::MAX)
        }
    }
}

/// The shortest time between a tick of one and a different tick of the other, away from changes of the clock.
fn between(one: &Source, other: &Source, line: Line, daylight: DaylightPolicy, changes: &[Change]) -> i64 {
    match (one, other) {
        (Source::Cron(one), Source::Cron(other)) => {
            let mut times: Vec<i64> = one.times_of_day().chain(other.times_of_day()).collect();
            times.sort_unstable();
            times.dedup();
            smallest_gap(times.into_iter(), DAY)
        }
        (Source::Interval(one), Source::Interval(other)) => {
            let phase = gcd(one.every.seconds(), other.every.seconds());
            let distance = (one.anchor.seconds() - other.anchor.seconds()).rem_euclid(phase);
            nearest(distance, phase)
        }
        (Source::Cron(pattern), Source::Interval(interval))
        | (Source::Interval(interval), Source::Cron(pattern)) => {
            let phase = gcd(interval.every.seconds(), DAY);
            let mut offsets: Vec<i64> = changes
                .iter()
                .flat_map(|change| [change.before, change.after])
                .collect();
            offsets.push(line.local(0));
            offsets.sort_unstable();
            offsets.dedup();
            let anchor = interval.anchor.seconds();
            let of_offset = |offset: &i64| {
                let nearest_of = |time: i64| nearest((time - offset - anchor).rem_euclid(phase), phase);
                pattern.times_of_day().map(nearest_of).min()
            };
            offsets.iter().filter_map(of_offset).min().unwrap_or(i64::MAX)
        }
        (Source::Instants(instants), other) | (other, Source::Instants(instants)) => {
            let around = |instant: i64| near(other, line, daylight, instant);
            instants
                .iter()
                .map(|instant| around(instant.seconds()))
                .min()
                .unwrap_or(i64::MAX)
        }
    }
}

/// The shortest time from a tick of the source to this instant, or from the instant to a tick.
fn near(source: &Source, line: Line, daylight: DaylightPolicy, instant: i64) -> i64 {
    const FARTHEST: i64 = 3_650 * DAY;
    let next = |after| source.next_after(line.zone, daylight, after);
    let later = next(instant).map_or(i64::MAX, |next| next - instant);
    let before = |distance: i64| next(instant - distance - 1).is_some_and(|tick| tick < instant);
    let (mut low, mut high) = (0, FARTHEST.min(later));
    if !before(high) {
        return later;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if before(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// How near two series with a common phase come, other than at the same instant.
fn nearest(distance: i64, phase: i64) -> i64 {
    if distance == 0 {
        phase
    } else {
        distance.min(phase - distance)
    }
}

/// The smallest distance of neighbours in a round, which are in ascending order.
fn smallest_gap(times: impl Iterator<Item = i64>, round: i64) -> i64 {
    let mut ends: Option<(i64, i64)> = None;
    let mut smallest = round;
    for time in times {
        if let Some((_, last)) = ends {
            smallest = smallest.min(time - last);
        }
        ends = Some((ends.map_or(time, |(first, _)| first), time));
    }
    match ends {
        Some((first, last)) => smallest.min(first + round - last),
        None => smallest,
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
