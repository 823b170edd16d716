//! A pattern in English words. Shapes that people write get the words that people use; the rest is composed
//! field by field, longer but as exact.

use crate::pattern::{Pattern, Rare};
use crate::print::{members, runs};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
/// As many clock times are listed one by one before the words turn to minutes and hours.
const MOST_TIMES: usize = 6;

/// The sentence without its zone.
pub(crate) fn describe(pattern: &Pattern) -> String {
    let listed = clock_times(pattern);
    let days = days(pattern);
    let mut words = match &listed {
        Some(times) => format!("At {times}"),
        None => frequency(pattern),
    };
    if let Some(days) = days {
        words.push_str(&days);
    } else if listed.is_some() {
        words.push_str(" every day");
    }
    words
}

/// "09:00 and 17:30", if the times of a day are few.
fn clock_times(pattern: &Pattern) -> Option<String> {
    let (seconds, minutes, hours) = (
        members(pattern.seconds),
        members(pattern.minutes),
        members(pattern.hours.into()),
    );
    if seconds.len() * minutes.len() * hours.len() > MOST_TIMES {
        return None;
    }
    let mut times = Vec::new();
    for hour in &hours {
        for minute in &minutes {
            for second in &seconds {
                times.push(match second {
                    0 => format!("{hour:02}:{minute:02}"),
                    _ => format!("{hour:02}:{minute:02}:{second:02}"),
                });
            }
        }
    }
    Some(and(&times))
}

fn frequency(pattern: &Pattern) -> String {
    let minutes = Cycle::of(pattern.minutes, 60);
    let hours = Cycle::of(pattern.hours.into(), 24);
    if pattern.seconds == 1 {
        return match (minutes, hours) {
            (Cycle::Every(1), hours) => format!("Every minute{}", during(hours)),
            (Cycle::Every(60), Cycle::Every(1)) => "Every hour".to_owned(),
            (Cycle::Every(60), Cycle::Every(step)) => format!("Every {step} hours, counted from 00:00"),
            (Cycle::Every(60), hours) => format!("Every hour{}", during(hours)),
            (Cycle::Every(step), hours) => format!("Every {step} minutes{}", during(hours)),
            (Cycle::These(minutes), hours) => {
                let unit = if minutes == [1] { "minute" } else { "minutes" };
                format!("At {} {unit} past {}", list(&minutes, number), past_hours(hours))
            }
        };
    }
    let seconds = match Cycle::of(pattern.seconds, 60) {
        Cycle::Every(1) => "Every second".to_owned(),
        Cycle::Every(step) => format!("Every {step} seconds"),
        Cycle::These(seconds) => format!("At {}", counted("second", &seconds)),
    };
    let once = seconds.starts_with("At");
    match (minutes, hours) {
        (Cycle::Every(1), hours) if once => format!("{seconds} past every minute{}", during(hours)),
        (Cycle::Every(1), hours) => format!("{seconds}{}", during(hours)),
        (_, hours) => {
            let link = if once { "past" } else { "during" };
            let minutes = counted("minute", &members(pattern.minutes));
            format!("{seconds} {link} {minutes} past {}", past_hours(hours))
        }
    }
}

/// How a field divides its day or hour.
enum Cycle {
    /// Evenly, beginning at 0: the step divides the size, so that the distance stays the same over the end. A
    /// step as long as the field is 0 alone.
    Every(u16),
    These(Vec<u16>),
}

impl Cycle {
    fn of(bits: u64, size: u16) -> Self {
        let values = members(bits);
        let step = values.get(1).map_or(size, |second| *second);
        let even = size.is_multiple_of(step.max(1))
            && values.iter().copied().eq((0..size).step_by(step.max(1).into()));
        if even {
            Self::Every(step)
        } else {
            Self::These(values)
        }
    }
}

/// "", or the hours to which something frequent is limited.
fn during(hours: Cycle) -> String {
    match hours {
        Cycle::Every(1) => String::new(),
        Cycle::Every(24) => during(Cycle::These(vec![0])),
        Cycle::Every(step) => {
            let hours: Vec<u16> = (0..24).step_by(step.into()).collect();
            format!(" during {}", counted("hour", &hours))
        }
        Cycle::These(hours) => match (hours.first(), hours.last()) {
            (Some(first), Some(last)) if usize::from(last - first) + 1 == hours.len() => {
                format!(" from {first:02}:00 through {last:02}:59")
            }
            _ => format!(" during {}", counted("hour", &hours)),
        },
    }
}

fn past_hours(hours: Cycle) -> String {
    match hours {
        Cycle::Every(1) => "every hour".to_owned(),
        other => format!("the hour{}", during(other)),
    }
}

/// The date part with its leading space or comma, or `None` for every day of every year.
fn days(pattern: &Pattern) -> Option<String> {
    let months = (pattern.months != 0x1ffe).then(|| {
        list(&members(pattern.months.into()), |month| {
            MONTHS[usize::from(month) - 1].to_owned()
        })
    });
    let years = pattern
        .rare
        .as_ref()
        .filter(|rare| !rare.years.is_every())
        .map(|rare| list(&rare.years.values().collect::<Vec<_>>(), number));

    let every_date = pattern.days_of_month == !1;
    let every_weekday = pattern.days_of_week == 0x7f;
    let both = pattern.stars.day_of_month || pattern.stars.day_of_week;
    let mut words = match (every_date, every_weekday) {
        (true, true) => String::new(),
        (true, false) | (false, true) if !both => String::new(),
        (true, _) => weekdays(pattern),
        (_, true) => {
            let single = pattern.days_of_month.count_ones() == 1 && pattern.rare_dates().is_none();
            if let (true, 1, Some(month)) = (single, pattern.months.count_ones(), &months) {
                let date = format!(" on {month} {}", pattern.days_of_month.trailing_zeros());
                return Some(match years {
                    Some(years) => format!("{date}, in {years}"),
                    None => date,
                });
            }
            format!(" on {}", dates(pattern))
        }
        (false, false) if both => format!(" on {}, if that is {}", dates(pattern), one_of_weekdays(pattern)),
        (false, false) => format!(" on {}, and on {}", dates(pattern), each_weekday(pattern)),
    };
    let limits: Vec<String> = [months, years].into_iter().flatten().collect();
    if words.is_empty() && limits.is_empty() {
        return None;
    }
    if words.is_empty() {
        words.push_str(" every day");
    }
    for limit in limits {
        words.push_str(", in ");
        words.push_str(&limit);
    }
    Some(words)
}

/// "day 1 and the last day of the month".
fn dates(pattern: &Pattern) -> String {
    let mut parts = Vec::new();
    let plain = members(u64::from(pattern.days_of_month));
    if !plain.is_empty() {
        parts.push(counted("day", &plain));
    }
    if let Some(rare) = pattern.rare_dates() {
        let Rare {
            last_days,
            nearest_weekdays,
            last_weekday,
            years: _,
            last_of: _,
            nth: _,
        } = rare;
        for before in members(u64::from(*last_days)) {
            parts.push(match before {
                0 => "the last day".to_owned(),
                1 => "the day before the last day".to_owned(),
                _ => format!("the day {before} days before the last day"),
            });
        }
        if *last_weekday {
            parts.push("the last weekday (Monday through Friday)".to_owned());
        }
        for day in members(u64::from(*nearest_weekdays)) {
            parts.push(format!(
                "the weekday (Monday through Friday) nearest to day {day}"
            ));
        }
    }
    format!("{} of the month", and(&parts))
}

/// The weekdays as a whole sentence's limit, with its leading space or comma.
fn weekdays(pattern: &Pattern) -> String {
    let plain = from_monday(pattern.days_of_week);
    match plain.as_slice() {
        [first, .., last]
            if pattern.rare_weekdays().is_none() && plain.len() > 2 && runs(&plain).count() == 1 =>
        {
            format!(", {} through {}", weekday(*first), weekday(*last))
        }
        _ => format!(" on {}", each_weekday(pattern)),
    }
}

/// "Monday, Wednesday and the last Friday of the month".
fn each_weekday(pattern: &Pattern) -> String {
    let mut parts = stretches(&from_monday(pattern.days_of_week), weekday);
    parts.extend(rare_weekdays(pattern));
    and(&parts)
}

/// "a Monday, a Wednesday or the last Friday of the month".
fn one_of_weekdays(pattern: &Pattern) -> String {
    let mut parts: Vec<String> = from_monday(pattern.days_of_week)
        .into_iter()
        .map(|day| format!("a {}", weekday(day)))
        .collect();
    parts.extend(rare_weekdays(pattern));
    joined(&parts, "or")
}

fn rare_weekdays(pattern: &Pattern) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(rare) = pattern.rare_weekdays() {
        for (ordinal, &days) in ORDINALS.iter().zip(&rare.nth) {
            for day in from_monday(days) {
                parts.push(format!("the {ordinal} {} of the month", weekday(day)));
            }
        }
        for day in from_monday(rare.last_of) {
            parts.push(format!("the last {} of the month", weekday(day)));
        }
    }
    parts
}

/// Weekday numbers in the order of a week that ends with Sunday, then written as 7.
fn from_monday(weekdays: u8) -> Vec<u16> {
    let sunday = u64::from(weekdays & 1) << 7;
    members(u64::from(weekdays & 0x7e) | sunday)
}

fn weekday(number: u16) -> String {
    WEEKDAYS[usize::from(number % 7)].to_owned()
}

fn number(value: u16) -> String {
    value.to_string()
}

/// "minute 5", "minutes 5, 10 and 20 through 30".
fn counted(unit: &str, values: &[u16]) -> String {
    let plural = if values.len() == 1 { "" } else { "s" };
    format!("{unit}{plural} {}", list(values, number))
}

fn list(values: &[u16], name: fn(u16) -> String) -> String {
    and(&stretches(values, name))
}

fn stretches(values: &[u16], name: fn(u16) -> String) -> Vec<String> {
    let mut parts = Vec::new();
    for run in runs(values) {
        match run {
            [first, _, .., last] if run.len() > 2 => {
                parts.push(format!("{} through {}", name(*first), name(*last)));
            }
            _ => parts.extend(run.iter().map(|value| name(*value))),
        }
    }
    parts
}

pub(crate) fn and(parts: &[String]) -> String {
    joined(parts, "and")
}

fn joined(parts: &[String], last_link: &str) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [others @ .., last] => format!("{} {last_link} {last}", others.join(", ")),
    }
}
