//! From the phrases of a sentence to the specification that they are together.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::error::EnglishError;
use super::sentence::{Days, Exception, Period, Said, Sentence, Time, Unit};
use crate::specification::Specification;
use crate::specification::builder::SpecificationBuilder;
use crate::zone::Zone;

const DAY: u32 = 86_400;
const ALL_WEEK: u8 = 0x7f;

/// Fields of an expression: second, minute and hour.
type Clock = (String, String, String);
/// Fields of an expression: day-of-month, month and day-of-week.
type Date = (String, String, String);

pub(super) fn specification(
    sentence: &Sentence,
    end: usize,
    zone: Zone,
) -> Result<Specification, EnglishError> {
    let mut draft = Specification::builder(zone);
    let interval = match (&sentence.frequency, &sentence.window) {
        (Some(frequency), None) => even(frequency.what).is_none().then_some(frequency),
        _ => None,
    };
    let fold = interval.is_none()
        && matches!(
            &sentence.days,
            None | Some(Said {
                what: Days::Every | Days::Weekdays(_),
                ..
            })
        );
    if let Some(frequency) = interval {
        draft = draft.every(real_time(sentence, frequency)?);
    } else {
        let dates = dates(sentence, fold)?;
        for (second, minute, hour) in clocks(sentence, end)? {
            for (day_of_month, month, day_of_week) in &dates {
                draft = draft.cron(&format!(
                    "{second} {minute} {hour} {day_of_month} {month} {day_of_week}"
                ));
            }
        }
    }
    for exception in &sentence.exceptions {
        draft = except(draft, &exception.what, fold);
    }
    draft.build().map_err(|source| EnglishError {
        at: 0..end,
        text: String::new(),
        reason: "it is understood, but not allowed".to_owned(),
        source: Some(Box::new(source)),
    })
}

fn except(draft: SpecificationBuilder, exception: &Exception, fold: bool) -> SpecificationBuilder {
    match exception {
        Exception::Weekdays(_) if fold => draft,
        Exception::Weekdays(days) => draft.except_cron(&format!("* * * * {}", list(bits(u32::from(*days))))),
        Exception::Months(months) => {
            draft.except_cron(&format!("* * * {} *", list(bits(u32::from(*months)))))
        }
        Exception::DateOfYear(day, month) => draft.except_cron(&format!("* * {day} {month} *")),
        Exception::Date(date) => draft.except_date(*date),
    }
}

/// The interval of a frequency that divides neither the hour nor the day.
fn real_time(sentence: &Sentence, frequency: &Said<(u32, Unit)>) -> Result<Duration, EnglishError> {
    let limited = sentence.period.is_some()
        || sentence.months.is_some()
        || matches!(&sentence.days, Some(days) if days.what != Days::Every);
    if limited {
        return Err(refuse(
            &frequency.at,
            "it divides neither the hour nor the day, so on certain days only it has nothing to count from; \
             say between which times, or choose another interval",
        ));
    }
    if let Some(times) = &sentence.times {
        return Err(refuse(&times.at, "the sentence already says how often"));
    }
    let (count, unit) = frequency.what;
    Ok(Duration::from_secs(u64::from(count) * u64::from(unit.seconds())))
}

/// The clock fields of a frequency that divides the minute, the hour or the day.
fn even((count, unit): (u32, Unit)) -> Option<Clock> {
    let seconds = count.checked_mul(unit.seconds())?;
    let step = |step: u32| {
        if step == 1 {
            "*".to_owned()
        } else {
            format!("*/{step}")
        }
    };
    let (star, zero) = ("*".to_owned(), "0".to_owned());
    if seconds < 60 && 60 % seconds == 0 {
        Some((step(seconds), star.clone(), star))
    } else if seconds % 60 == 0 && seconds < 3600 && 3600 % seconds == 0 {
        Some((zero, step(seconds / 60), star))
    } else if seconds % 3600 == 0 && seconds < DAY && DAY.is_multiple_of(seconds) {
        Some((zero.clone(), zero, step(seconds / 3600)))
    } else {
        None
    }
}

fn clocks(sentence: &Sentence, end: usize) -> Result<Vec<Clock>, EnglishError> {
    let restricted = !matches!(
        &sentence.days,
        None | Some(Said {
            what: Days::Every,
            ..
        })
    ) || sentence.period.is_some()
        || sentence.months.is_some()
        || !sentence.exceptions.is_empty();
    let clocks = match (&sentence.frequency, &sentence.times, &sentence.window) {
        (Some(_), Some(times), _) => {
            return Err(refuse(&times.at, "the sentence already says how often"));
        }
        (None, _, Some(window)) => {
            return Err(refuse(
                &window.at,
                "it does not say how often between these times; write for example every hour",
            ));
        }
        (Some(frequency), None, Some(window)) => within(frequency, window, restricted)?,
        (Some(frequency), None, None) => {
            if let Some(period) = sentence.period.as_ref().filter(|_| sentence.days.is_none()) {
                return Err(refuse(&period.at, "the sentence already says how often"));
            }
            even(frequency.what).into_iter().collect()
        }
        (None, Some(times), None) => {
            if sentence.days.is_none() && sentence.period.is_none() && sentence.times_a_day.is_none() {
                return Err(refuse(
                    &times.at,
                    "it does not say on which days; write for example daily at 9am",
                ));
            }
            let times: Vec<u32> = times.what.iter().map(|time| time.second).collect();
            grouped(times)
        }
        (None, None, None) if sentence.days.is_none() && sentence.period.is_none() => {
            let (at, reason) = match (&sentence.times_a_day, &sentence.months) {
                (Some(count), _) => (count.at.clone(), "it does not say at which times"),
                (None, Some(months)) => (months.at.clone(), "it does not say on which days"),
                (None, None) => (end..end, "it does not say when it runs"),
            };
            return Err(refuse(&at, reason));
        }
        (None, None, None) => grouped(vec![0]),
    };
    if let Some(count) = &sentence.times_a_day {
        let mut times: Vec<u32> = sentence
            .times
            .iter()
            .flat_map(|times| &times.what)
            .map(|time| time.second)
            .collect();
        times.sort_unstable();
        times.dedup();
        if times.len() != count.what as usize {
            let reason = format!("the sentence names {} times of the day", times.len());
            return Err(refuse(&count.at, &reason));
        }
        if let Some(other) = sentence.days.as_ref().filter(|days| days.what == Days::Every) {
            return Err(refuse(&other.at, "the sentence says such a thing twice"));
        }
    }
    Ok(clocks)
}

/// From the first time, every so often, up to and including the last.
fn within(
    frequency: &Said<(u32, Unit)>,
    window: &Said<(Time, Time)>,
    restricted: bool,
) -> Result<Vec<Clock>, EnglishError> {
    let (count, unit) = frequency.what;
    let (first, mut last) = (window.what.0.second, window.what.1.second);
    if last < first {
        if restricted {
            return Err(refuse(
                &window.at,
                "it goes over midnight, so it has no one day to belong to; write two schedules",
            ));
        }
        last += DAY;
    }
    let step = count.saturating_mul(unit.seconds());
    if step > last - first {
        return Err(refuse(
            &frequency.at,
            "it is longer than the time between the two times",
        ));
    }
    if step >= 60 && step % 60 == 0 {
        let times = (first..=last).step_by(step as usize).map(|time| time % DAY);
        return Ok(grouped(times.collect()));
    }
    if 60 % step != 0 || first % 60 != 0 || last % 60 != 0 {
        return Err(refuse(
            &frequency.at,
            "it does not divide the minute, of which both times must be the start",
        ));
    }
    let minutes = (first..last).step_by(60).map(|time| time % DAY);
    let mut clocks: Vec<Clock> = grouped(minutes.collect());
    for clock in &mut clocks {
        clock.0 = if step == 1 {
            "*".to_owned()
        } else {
            format!("*/{step}")
        };
    }
    clocks.extend(grouped(vec![last % DAY]));
    Ok(clocks)
}

/// Hours with the same minutes, and minutes with the same seconds, share an expression.
fn grouped(mut times: Vec<u32>) -> Vec<Clock> {
    times.sort_unstable();
    times.dedup();
    let mut minutes_of: BTreeMap<(u32, u32), Vec<u32>> = BTreeMap::new();
    for time in times {
        minutes_of
            .entry((time % 60, time / 3600))
            .or_default()
            .push(time / 60 % 60);
    }
    let mut hours_of: BTreeMap<(u32, Vec<u32>), Vec<u32>> = BTreeMap::new();
    for ((second, hour), minutes) in minutes_of {
        hours_of.entry((second, minutes)).or_default().push(hour);
    }
    hours_of
        .into_iter()
        .map(|((second, minutes), hours)| (second.to_string(), minutes_field(&minutes), list(hours)))
        .collect()
}

/// With a star where the whole hour is divided evenly, so that such a schedule follows real time as any frequency does.
fn minutes_field(minutes: &[u32]) -> String {
    match minutes {
        [0, step, ..] if 60 % step == 0 && minutes.iter().copied().eq((0..60).step_by(*step as usize)) => {
            match step {
                1 => "*".to_owned(),
                step => format!("*/{step}"),
            }
        }
        _ => list(minutes.iter().copied()),
    }
}

fn dates(sentence: &Sentence, fold: bool) -> Result<Vec<Date>, EnglishError> {
    let star = || "*".to_owned();
    let months = months(sentence)?;
    let one = |day_of_month: String, day_of_week: String| vec![(day_of_month, months.clone(), day_of_week)];
    let Some(days) = &sentence.days else {
        if sentence.period.is_some() {
            return Ok(one("1".to_owned(), star()));
        }
        return Ok(one(star(), weekdays(sentence, ALL_WEEK, fold)?));
    };
    Ok(match &days.what {
        Days::Every => one(star(), weekdays(sentence, ALL_WEEK, fold)?),
        Days::Weekdays(days) => one(star(), weekdays(sentence, *days, fold)?),
        Days::Nth(places, day) => {
            if sentence.period.is_none() && sentence.months.is_none() {
                return Err(refuse(
                    &days.at,
                    "first to last of what? write of every month, or of which months",
                ));
            }
            let each = places.iter().map(|place| match place {
                0 => format!("{day}L"),
                place => format!("{day}#{place}"),
            });
            one(star(), each.collect::<Vec<_>>().join(","))
        }
        Days::Dates(places) => {
            let each = places.iter().map(|place| match place {
                0 => "L".to_owned(),
                place => place.to_string(),
            });
            one(each.collect::<Vec<_>>().join(","), star())
        }
        Days::FirstWorkday => one("1W".to_owned(), star()),
        Days::LastWorkday => one("LW".to_owned(), star()),
        Days::DatesOfYear(dates) => {
            let mut months_of: BTreeMap<u8, Vec<u32>> = BTreeMap::new();
            for (day, month) in dates {
                months_of.entry(*day).or_default().push(u32::from(*month));
            }
            months_of
                .into_iter()
                .map(|(day, months)| (day.to_string(), list(months), star()))
                .collect()
        }
    })
}

/// The day-of-week field, less the days that are excepted.
fn weekdays(sentence: &Sentence, days: u8, fold: bool) -> Result<String, EnglishError> {
    let mut left = days;
    for exception in sentence.exceptions.iter().filter(|_| fold) {
        if let Exception::Weekdays(excepted) = exception.what {
            left &= !excepted;
            if left == 0 {
                return Err(refuse(&exception.at, "no day is left"));
            }
        }
    }
    Ok(match left {
        ALL_WEEK => "*".to_owned(),
        days => list(bits(u32::from(days))),
    })
}

fn months(sentence: &Sentence) -> Result<String, EnglishError> {
    let days = sentence.days.as_ref();
    let ends = days.map(|days| match &days.what {
        Days::Dates(places) | Days::Nth(places, _) => match places.as_slice() {
            [1] => Some(true),
            [0] => Some(false),
            _ => None,
        },
        Days::FirstWorkday => Some(true),
        Days::LastWorkday => Some(false),
        Days::Every | Days::Weekdays(_) | Days::DatesOfYear(_) => None,
    });
    let of_months = |days: &Days| !matches!(days, Days::Every | Days::Weekdays(_) | Days::DatesOfYear(_));
    if let Some(period) = &sentence.period {
        if let Some(months) = sentence.months.as_ref().filter(|_| period.what != Period::Month) {
            return Err(refuse(&months.at, "the sentence already says in which months"));
        }
        let dated = |days: &Said<Days>| matches!(days.what, Days::DatesOfYear(_));
        return match (period.what, days, ends) {
            (Period::Year, Some(days), _) if dated(days) => Ok("*".to_owned()),
            (_, Some(days), _) if !of_months(&days.what) => Err(refuse(
                &days.at,
                "these are not days of a month, a quarter or a year; name some, or leave the period out",
            )),
            (Period::Month, ..) => Ok(month_list(sentence)),
            (Period::Quarter, None | Some(_), None | Some(Some(true))) => Ok("1,4,7,10".to_owned()),
            (Period::Quarter, _, Some(Some(false))) => Ok("3,6,9,12".to_owned()),
            (Period::Year, _, None | Some(Some(true))) => Ok("1".to_owned()),
            (Period::Year, _, Some(Some(false))) => Ok("12".to_owned()),
            (Period::Quarter | Period::Year, _, Some(None)) => Err(refuse(
                &period.at,
                "understood are its first and its last day; else name the months",
            )),
        };
    }
    if let (Some(months), Some(Days::DatesOfYear(_))) = (&sentence.months, days.map(|days| &days.what)) {
        return Err(refuse(&months.at, "the dates already say in which months"));
    }
    Ok(month_list(sentence))
}

fn month_list(sentence: &Sentence) -> String {
    match &sentence.months {
        Some(months) => list(bits(u32::from(months.what))),
        None => "*".to_owned(),
    }
}

fn bits(set: u32) -> impl Iterator<Item = u32> {
    (0..32).filter(move |bit| set >> bit & 1 == 1)
}

fn list(values: impl IntoIterator<Item = u32>) -> String {
    let each: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    each.join(",")
}

fn refuse(at: &Range<usize>, reason: &str) -> EnglishError {
    EnglishError {
        at: at.clone(),
        text: String::new(),
        reason: reason.to_owned(),
        source: None,
    }
}
