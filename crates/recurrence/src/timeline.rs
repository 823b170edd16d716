//! The zone mapping: from matching local times to instants, in order of real time.
//!
//! This is the only module that knows of gaps and overlaps; what to do in them comes in as a
//! [`DaylightPolicy`].
//! Instants are whole seconds since 1970-01-01T00:00:00Z, local times are counted as in
//! [`pattern`](crate::pattern).
//!
//! `chrono-tz` lists no transitions, so changes are found by comparing the offsets at the two ends of a
//! window. Two facts about the zone database make that sound, and tests check them over every zone: offsets
//! stay under sixteen hours, and two changes are days apart, so that a window holds at most one and shows it.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use crate::daylight::{DaylightPolicy, Gap, Overlap};
use crate::pattern::{END, FIRST, Pattern};

const HOUR: i64 = 3600;
/// More than any offset from UTC, east or west, local mean time included.
pub(crate) const FARTHEST: i64 = 16 * HOUR;
/// Longer than the longest overlap (a day, where the date line moved) and than two offsets; shorter than the
/// shortest time between two changes.
pub(crate) const WINDOW: i64 = 48 * HOUR;

/// The first tick later than the instant `after`.
pub(crate) fn next_after(pattern: &Pattern, zone: Tz, policy: DaylightPolicy, after: i64) -> Option<i64> {
    // Nothing matches outside the calendar, and inside these bounds no sum below can overflow.
    let mut after = after.clamp(FIRST - WINDOW, END + WINDOW);
    let zone = Line { zone };
    // A tick of either search: that in real time knows no gaps, the other one no second passes.
    let either = |after| {
        let real = zone.next_in_real_time(pattern, after);
        let once = zone.next_once_per_local_time(pattern, after);
        real.into_iter().chain(once).min()
    };
    match (policy.gap, policy.overlap) {
        (Gap::Skip, Overlap::Twice) => zone.next_in_real_time(pattern, after),
        (Gap::RunAfter, Overlap::OnceFirst) => zone.next_once_per_local_time(pattern, after),
        (Gap::RunAfter, Overlap::Twice) => either(after),
        (Gap::Skip, Overlap::OnceFirst) => loop {
            // What only one of the two searches finds was moved out of a gap or is a second pass.
            let once = zone.next_once_per_local_time(pattern, after)?;
            let real = zone.next_in_real_time(pattern, once - 1)?;
            if real == once {
                return Some(once);
            }
            after = real - 1;
        },
        (gap, Overlap::OnceLast) => loop {
            let candidate = match gap {
                Gap::Skip => zone.next_in_real_time(pattern, after)?,
                Gap::RunAfter => either(after)?,
            };
            match zone.second_pass(candidate) {
                // Whatever else matches before the change is shown once more as well.
                Some(change) => after = change - 1,
                None => return Some(candidate),
            }
        },
    }
}

/// How many ticks are later than the instant `after`, up to and including `until`. It takes a look at every other
/// day between.
pub(crate) fn count_between(
    pattern: &Pattern,
    zone: Tz,
    policy: DaylightPolicy,
    after: i64,
    until: i64,
) -> u64 {
    let within = |instant: i64| instant.clamp(FIRST - WINDOW, END + WINDOW);
    let (mut from, until) = (within(after), within(until));
    let zone = Line { zone };
    let mut count = 0;
    while from < until {
        let to = until.min(from + WINDOW);
        count += zone.count_in_real_time(pattern, from, to);
        if policy != DaylightPolicy::REAL_TIME {
            for change in zone.changes_near(from, to) {
                count += change.moved_between(pattern, policy.gap, from, to);
                count -= change.dropped_between(pattern, policy.overlap, from, to);
            }
        }
        from = to;
    }
    count
}

/// The first local time of those that a gap moved to this instant, unless the instant matches by itself.
pub(crate) fn moved_from(pattern: &Pattern, zone: Tz, policy: DaylightPolicy, instant: i64) -> Option<i64> {
    let line = Line { zone };
    let change = Change {
        at: instant,
        before: line.offset(instant - 1),
        after: line.offset(instant),
    };
    (change.moved_between(pattern, policy.gap, instant - 1, instant) > 0)
        .then(|| pattern.at_or_after(instant + change.before))
        .flatten()
}

/// An instant from which the offset differs from what it was the second before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) at: i64,
    pub(crate) before: i64,
    pub(crate) after: i64,
}

impl Change {
    /// One if a gap moves its matches to the change, and the change lies after `from` and not after `to`.
    fn moved_between(self, pattern: &Pattern, gap: Gap, from: i64, to: i64) -> u64 {
        let due = gap == Gap::RunAfter && self.before < self.after && from < self.at && self.at <= to;
        let (last_shown, shown) = (self.at - 1 + self.before, self.at + self.after);
        let moved = due
            && pattern.count_between(last_shown, shown - 1) > 0
            && pattern.count_between(shown - 1, shown) == 0;
        moved.into()
    }

    /// The matches after `from`, up to and including `to`, in that pass of an overlap that the policy leaves out.
    fn dropped_between(self, pattern: &Pattern, overlap: Overlap, from: i64, to: i64) -> u64 {
        let repeated = self.before - self.after;
        if repeated <= 0 {
            return 0;
        }
        let (first, last, offset) = match overlap {
            Overlap::OnceFirst => (self.at, self.at + repeated - 1, self.after),
            Overlap::OnceLast => (self.at - repeated, self.at - 1, self.before),
            Overlap::Twice => return 0,
        };
        pattern.count_between((first - 1).max(from) + offset, last.min(to) + offset)
    }
}

/// A zone's line of real time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) zone: Tz,
}

impl Line {
    /// The local time that the clock shows.
    pub(crate) fn local(self, instant: i64) -> i64 {
        instant + self.offset(instant)
    }

    fn next_in_real_time(self, pattern: &Pattern, after: i64) -> Option<i64> {
        let mut from = after + 1;
        loop {
            let offset = self.offset(from);
            let local = pattern.at_or_after(from + offset)?;
            let candidate = local - offset;
            let horizon = candidate.min(from + WINDOW);
            let horizon_offset = self.offset(horizon);
            if horizon_offset != offset {
                // Before the change nothing matches; from the change on, the clock shows something else.
                from = self.change_between(from, offset, horizon, horizon_offset).at;
            } else if horizon == candidate {
                return Some(candidate);
            } else {
                // Beyond the window every instant shows a later local time than `from` does. So the next
                // match is `local` or later, and cannot come sooner than the largest offset lets it.
                from = horizon.max(local - FARTHEST);
            }
        }
    }

    /// The clock of such a schedule is the highest local time that was ever shown: it stands still while an
    /// overlap repeats and leaps over a gap, and the schedule fires whenever it reaches or leaps over a
    /// match. This is the virtual time of Debian's cron.
    fn next_once_per_local_time(self, pattern: &Pattern, after: i64) -> Option<i64> {
        let shown = self.highest_shown(after);
        let local = pattern.at_or_after(shown + 1)?;
        Some(self.first_reaching(local))
    }

    /// The matches of the local times that are shown after `from` up to `to`, at most a window apart: those before
    /// a change and those from it on, which an overlap repeats and a gap leaves out.
    fn count_in_real_time(self, pattern: &Pattern, from: i64, to: i64) -> u64 {
        let (before, after) = (self.offset(from), self.offset(to));
        if before == after {
            return pattern.count_between(from + before, to + before);
        }
        let last = self.change_between(from, before, to, after).at - 1;
        pattern.count_between(from + before, last + before) + pattern.count_between(last + after, to + after)
    }

    /// The changes within a window's length of the instants after `from` up to `to`, at most a window apart.
    fn changes_near(self, from: i64, to: i64) -> impl Iterator<Item = Change> {
        [(from - WINDOW, from), (from, to), (to, to + WINDOW)]
            .into_iter()
            .filter_map(move |(early, late)| self.change_in(early, late))
    }

    /// The change after `early` and not after `late`, which are at most a window apart.
    pub(crate) fn change_in(self, early: i64, late: i64) -> Option<Change> {
        let (before, after) = (self.offset(early), self.offset(late));
        (before != after).then(|| self.change_between(early, before, late, after))
    }

    /// The change that will show this instant's local time once more, if there is one.
    fn second_pass(self, instant: i64) -> Option<i64> {
        let change = self.change_in(instant, instant + WINDOW)?;
        (change.at + change.after <= instant + change.before).then_some(change.at)
    }

    /// The other instant that shows this instant's local time, if there is one.
    pub(crate) fn other_pass(self, instant: i64) -> Option<i64> {
        let around = [(instant - WINDOW, instant), (instant, instant + WINDOW)];
        around.into_iter().find_map(|(early, late)| {
            let change = self.change_in(early, late)?;
            let distance = change.before - change.after;
            let other = if instant < change.at {
                instant + distance
            } else {
                instant - distance
            };
            (self.local(other) == self.local(instant) && other != instant).then_some(other)
        })
    }

    /// The farthest instant up to which the clock runs on evenly from `from` without showing `local_end`; a window
    /// away at most, a second at least.
    pub(crate) fn evenly_until(self, from: i64, local_end: i64) -> i64 {
        let offset = self.offset(from);
        let to = (local_end - offset).clamp(from + 1, from + WINDOW);
        self.change_in(from, to).map_or(to, |change| change.at)
    }

    /// The highest local time shown at or before this instant.
    fn highest_shown(self, instant: i64) -> i64 {
        let offset = self.offset(instant);
        let earlier = instant - WINDOW;
        let earlier_offset = self.offset(earlier);
        let shown = instant + offset;
        if earlier_offset == offset {
            return shown;
        }
        let change = self.change_between(earlier, earlier_offset, instant, offset);
        shown.max(change.at - 1 + change.before)
    }

    /// The first instant at which this local time or a later one is shown.
    fn first_reaching(self, local: i64) -> i64 {
        let (early, late) = (local - FARTHEST, local + FARTHEST);
        let (early_offset, late_offset) = (self.offset(early), self.offset(late));
        if early_offset == late_offset {
            return local - early_offset;
        }
        let change = self.change_between(early, early_offset, late, late_offset);
        if local - change.before < change.at {
            local - change.before
        } else {
            change.at.max(local - change.after)
        }
    }

    /// The one change after `early` and not after `late`, whose offsets differ; at most a window apart.
    fn change_between(self, early: i64, before: i64, late: i64, after: i64) -> Change {
        let (mut low, mut high) = (early, late);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.offset(middle) == before {
                low = middle
            } else {
                high = middle
            }
        }
        Change {
            at: high,
            before,
            after,
        }
    }

    /// Seconds that the local clock is ahead of UTC at this instant.
    pub(crate) fn offset(self, instant: i64) -> i64 {
        // Out of chrono's range is out of the clamped range too; the fallback is never reached.
        let utc = DateTime::from_timestamp(instant, 0)
            .unwrap_or_default()
            .naive_utc();
        self.zone
            .offset_from_utc_datetime(&utc)
            .fix()
            .local_minus_utc()
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::TZ_VARIANTS;

    /// The two facts that the windows rest on. Two changes within a window would show as two within three
    /// days, unless the second undid the first between two looks, which no zone has ever done.
    #[test]
    fn offsets_are_short_and_changes_far_apart_in_every_zone() {
        const LOOK: i64 = 20 * HOUR;
        const YEARS: std::ops::Range<i64> = 1965..2040;
        for &zone in &TZ_VARIANTS {
            let line = Line { zone };
            assert!(line.offset(FIRST).abs() < FARTHEST, "{zone} in local mean time");
            let (mut offset, mut changed) = (line.offset(FIRST), FIRST);
            for look in (YEARS.start - 1970) * 438..(YEARS.end - 1970) * 438 {
                let instant = look * LOOK;
                let now = line.offset(instant);
                if now != offset {
                    assert!(now.abs() < FARTHEST, "{zone} at {instant}");
                    assert!(instant - changed > WINDOW + LOOK, "{zone} at {instant}");
                    (offset, changed) = (now, instant);
                }
            }
        }
    }
}
