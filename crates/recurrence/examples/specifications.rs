//! Measures what specifications cost: the next instant, reading, counting, a search that finds nothing, a forecast.
//! `cargo run --release -p ratchet-recurrence --example specifications`

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use ratchet_recurrence::{
    Planned, Specification, SpecificationError, Zone, buckets, busiest, forecast, spread_offset,
};

const TEXTS: [&str; 14] = [
    "* * * * *",
    "*/15 9-17 * * mon-fri",
    "0 9 * * *",
    "30 22 L * *",
    "30 2 * * *; gap skip",
    "30 2 * * *; overlap once_last",
    "30 2 * * *; overlap twice",
    "30 2 * * *; gap skip; overlap once_last",
    "every 90m",
    "0 9 * * *; 30 17 * * 1-5; every 7h",
    "0 9 * * *; starting 2020-01-01T00:00:00Z; ending 2090-01-01T00:00:00Z",
    "0 9 * * *; except 2026-12-24..2026-12-26, 2026-05-01, fri 18:00-mon 06:00",
    "* * * * * *; except fri 18:00-mon 06:00; except cron * 0-7 * * *",
    "0 9 * * *; except cron * * 2-31 * *",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let berlin: Zone = "Europe/Berlin".parse()?;
    println!("size_of: {}", size_of::<Specification>());
    println!(
        "\n{:78} {:>9} {:>9} {:>9} (ns, medians)",
        "in Europe/Berlin", "next", "worst", "parse"
    );
    let starts: Vec<DateTime<Utc>> = (0..2_000)
        .filter_map(|n| DateTime::from_timestamp(1_767_225_600 + n * 15_773 % (365 * 86_400), 0))
        .collect();
    for text in TEXTS {
        let specification = Specification::parse(text, berlin)?;
        let mut next = each(&starts, |start| {
            black_box(specification.next_after(start));
        });
        let mut parse = each(&starts, |_| drop(black_box(Specification::parse(text, berlin))));
        next.sort_unstable();
        parse.sort_unstable();
        println!(
            "{text:78} {:>9} {:>9} {:>9}",
            next[next.len() / 2],
            next[next.len() - 1],
            parse[parse.len() / 2]
        );
    }
    random();
    bounded(berlin)?;
    counting(berlin)?;
    herd()
}

/// Ten thousand valid expressions with random policies, in zones taken in turn; the best of three attempts each.
fn random() {
    let mut dice = Dice(42);
    let mut times = Vec::new();
    while times.len() < 10_000 {
        let zones = chrono_tz::TZ_VARIANTS;
        let zone = zones[dice.below(zones.len() as u32) as usize];
        let text = dice.specification();
        let Ok(specification) = Specification::parse(&text, zone.into()) else {
            continue;
        };
        let start = i64::from(dice.below(365 * 86_400)) + 1_767_225_600;
        let Some(start) = DateTime::from_timestamp(start, 0) else {
            continue;
        };
        let best = (0..3).map(|_| {
            let clock = Instant::now();
            black_box(specification.next_after(start));
            clock.elapsed()
        });
        times.push((
            best.min().unwrap_or_default(),
            format!("{text} in {zone} after {start}"),
        ));
    }
    times.sort();
    println!(
        "\n10,000 random expressions and policies: median {:?}, p99 {:?}, worst {:?} ({})",
        times[5_000].0, times[9_900].0, times[9_999].0, times[9_999].1
    );
}

fn bounded(zone: Zone) -> Result<(), Box<dyn std::error::Error>> {
    println!("\na search that finds nothing (refused when given)");
    for text in [
        "0 12 * * *; except cron 0 12 * * *",
        "* * * * * *; except cron * * * * *",
        "*/5 * * * *; 1-59/7 * * * *; every 1s; except mon 00:00-fri 00:00, fri 00:00-mon 00:00",
    ] {
        let clock = Instant::now();
        let refused = Specification::parse(text, zone).is_err();
        println!("{text:90} {:?} (refused: {refused})", clock.elapsed());
    }
    let spread = Specification::parse("*/5 * * * *; every 7m", zone)?;
    let clock = Instant::now();
    let shortest = spread.shortest_interval();
    println!(
        "shortest interval of {spread}: {shortest:?} in {:?}",
        clock.elapsed()
    );
    Ok(())
}

fn counting(zone: Zone) -> Result<(), Box<dyn std::error::Error>> {
    println!("\ncounting three years");
    let (from, to) = ("2026-01-01T00:00:00Z".parse()?, "2029-01-01T00:00:00Z".parse()?);
    for text in [
        "* * * * * *",
        "* 0-59 0-23 * * *; overlap twice",
        "* * * * * *; except fri 18:00-mon 06:00, 2026-12-24..2026-12-26",
        "every 1s; ending 2028-01-01T00:00:00Z",
    ] {
        let specification = Specification::parse(text, zone)?;
        let clock = Instant::now();
        let count = specification.count_between(from, to);
        println!("{text:78} {count:>10} in {:?}", clock.elapsed());
    }
    Ok(())
}

/// A year of ten thousand hourly schedules: no two with the same minute and second of the hour for long.
fn herd() -> Result<(), Box<dyn std::error::Error>> {
    let planned = |limit: Option<i64>| -> Result<Vec<Planned<u32>>, SpecificationError> {
        (0..10_000u32)
            .map(|n| {
                let mut hourly =
                    Specification::builder(Zone::UTC).cron(&format!("{} {} * * * *", n % 60, n / 60 % 60));
                if let Some(limit) = limit {
                    let end = DateTime::from_timestamp(limit + i64::from(n), 0).unwrap_or_default();
                    hourly = hourly.ending(end);
                }
                Ok(Planned::new(n, Arc::new(hourly.build()?)))
            })
            .collect()
    };
    let some = planned(None)?;
    // The same ticks, but ten thousand specifications of which no two are equal.
    let different = planned(Some(4_000_000_000))?;
    let spread: Vec<Planned<u32>> = some
        .iter()
        .map(|planned| Planned {
            offset: spread_offset(planned.key.into(), Duration::from_secs(3_600)),
            ..planned.clone()
        })
        .collect();
    let (from, to) = ("2026-01-01T00:00:00Z".parse()?, "2027-01-01T00:00:00Z".parse()?);
    println!(
        "\na year of 10,000 hourly schedules, resident before: {} MB",
        resident() >> 20
    );
    for (name, schedules) in [
        ("3,600 different", some),
        ("10,000 different", different),
        ("10,000 spread", spread),
    ] {
        let clock = Instant::now();
        let runs = forecast(schedules.clone(), from, to)?.count();
        println!(
            "{name}: {runs} runs streamed in {:?}, resident {} MB",
            clock.elapsed(),
            resident() >> 20
        );
        let clock = Instant::now();
        let counted = buckets(schedules.clone(), from, to, Duration::from_secs(86_400))?;
        println!(
            "{name}: {} buckets in {:?}",
            counted.counts.len(),
            clock.elapsed()
        );
        let clock = Instant::now();
        let busy = busiest(schedules, from, to, 10)?;
        println!("{name}: busiest {:?} in {:?}", busy.first(), clock.elapsed());
    }
    Ok(())
}

fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

fn each(starts: &[DateTime<Utc>], mut run: impl FnMut(DateTime<Utc>)) -> Vec<u128> {
    const TIMES: u32 = 10;
    starts
        .iter()
        .map(|&start| {
            let clock = Instant::now();
            (0..TIMES).for_each(|_| run(start));
            clock.elapsed().as_nanos() / u128::from(TIMES)
        })
        .collect()
}

/// A generator that needs no dependency.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(bound)) as u32
    }

    fn one_of(&mut self, choices: &[&str]) -> String {
        choices[self.below(choices.len() as u32) as usize].to_owned()
    }

    fn field(&mut self, low: u32, high: u32, specials: &[&str]) -> String {
        let size = high - low + 1;
        match self.below(6) {
            0 | 1 => "*".to_owned(),
            2 => format!("*/{}", 1 + self.below(size)),
            3 if !specials.is_empty() => self.one_of(specials),
            _ => {
                let (a, b) = (low + self.below(size), low + self.below(size));
                if self.below(2) == 0 {
                    format!("{a},{b}")
                } else {
                    format!("{}-{}", a.min(b), a.max(b))
                }
            }
        }
    }

    fn specification(&mut self) -> String {
        let mut fields = vec![
            self.field(0, 59, &[]),
            self.field(0, 23, &[]),
            self.field(1, 31, &["L", "LW", "L-4", "15W", "29", "31"]),
            self.field(1, 12, &["2", "feb"]),
            self.field(0, 6, &["friL", "mon#1", "tue#5", "sunL"]),
        ];
        let extra = self.below(3);
        if extra > 0 {
            fields.insert(0, self.field(0, 59, &[]));
        }
        if extra > 1 {
            fields.push(self.field(1970, 2099, &["2098"]));
        }
        let gap = self.one_of(&["run_after", "skip"]);
        let overlap = self.one_of(&["once_first", "once_last", "twice"]);
        format!("{}; gap {gap}; overlap {overlap}", fields.join(" "))
    }
}
