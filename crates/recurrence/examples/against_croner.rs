//! Measures this crate beside croner 4: bytes a schedule, time to parse, time to the next tick, and what each
//! says of a mistake. `cargo run --release -p ratchet-recurrence --example against_croner`
//!
//! Resident bytes are read from `/proc`, so that column is 0 where there is none.

use std::hint::black_box;
use std::time::Instant;

use chrono::{DateTime, Duration, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use ratchet_recurrence::{Recurrence, Zone};

const COMMON: [&str; 8] = [
    "* * * * *",
    "*/5 * * * *",
    "*/15 9-17 * * mon-fri",
    "0 3 * * *",
    "30 22 L * *",
    "0 8 * * mon#1",
    "0 0 1 1 *",
    "15 30 4 1,15 * *",
];
const ZONES: [&str; 3] = ["UTC", "Europe/Berlin", "America/New_York"];
const MISTAKES: [&str; 6] = [
    "0 25 * * *",
    "0 0 30 2 *",
    "*/90 * * * *",
    "0 22-4 * * *",
    "0 0 * * foo",
    "* * *",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    memory()?;
    speed()?;
    random()?;
    for text in MISTAKES {
        let told = |result: Result<(), String>| result.err().unwrap_or_else(|| "accepted".to_owned());
        println!("\n{text}");
        println!(
            "  ours    {}",
            told(
                Recurrence::cron(text, Zone::UTC)
                    .map(drop)
                    .map_err(|e| e.to_string())
            )
        );
        println!(
            "  croner  {}",
            told(theirs(text).map(drop).map_err(|e| e.to_string()))
        );
    }
    Ok(())
}

fn theirs(text: &str) -> Result<Cron, croner::errors::CronError> {
    CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Optional)
        .build()
        .parse(text)
}

fn memory() -> Result<(), Box<dyn std::error::Error>> {
    const MANY: usize = 100_000;
    println!(
        "size_of: ours {}, croner {}",
        size_of::<Recurrence>(),
        size_of::<Cron>()
    );
    for text in [COMMON[2], COMMON[4], "0 0 0 1 1 ? 2030"] {
        let before = resident();
        let ours: Vec<_> = (0..MANY)
            .map(|_| Recurrence::cron(text, Zone::UTC))
            .collect::<Result<_, _>>()?;
        let between = resident();
        let theirs: Vec<_> = (0..MANY / 10).map(|_| theirs(text)).collect::<Result<_, _>>()?;
        let after = resident();
        println!(
            "{text:24} resident bytes each: ours {}, croner {}",
            (between - before) / MANY,
            (after - between) / theirs.len()
        );
        // Freed memory would be used again, and the next line would then show too little.
        std::mem::forget((ours, theirs));
    }
    Ok(())
}

fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

fn speed() -> Result<(), Box<dyn std::error::Error>> {
    let starts: Vec<DateTime<Utc>> = starts(2000);
    println!(
        "\n{:24} {:18} {:>10} {:>10} {:>10} {:>10}  (ns)",
        "", "", "next", "croner", "parse", "croner"
    );
    for text in COMMON {
        for name in ZONES {
            let zone: Zone = name.parse()?;
            let ours = Recurrence::cron(text, zone)?;
            let croner = theirs(text)?;
            let next = each(&starts, |start| {
                black_box(ours.next_after(start));
            });
            let croner_next = each(&starts, |start| {
                drop(black_box(
                    croner.find_next_occurrence(&start.with_timezone(&zone.tz()), false),
                ));
            });
            let parse = each(&starts, |_| drop(black_box(Recurrence::cron(text, zone))));
            let croner_parse = each(&starts, |_| drop(black_box(theirs(text))));
            println!("{text:24} {name:18} {next:>10} {croner_next:>10} {parse:>10} {croner_parse:>10}");
        }
    }
    Ok(())
}

/// The median of the single times, each over a few repetitions.
fn each(starts: &[DateTime<Utc>], mut run: impl FnMut(DateTime<Utc>)) -> u128 {
    const TIMES: u32 = 10;
    let mut times: Vec<u128> = starts
        .iter()
        .map(|&start| {
            let clock = Instant::now();
            (0..TIMES).for_each(|_| run(start));
            clock.elapsed().as_nanos() / u128::from(TIMES)
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// Ten thousand valid expressions, in zones taken in turn; the worst of three attempts' best.
fn random() -> Result<(), Box<dyn std::error::Error>> {
    let mut dice = Dice(42);
    let starts = starts(10_000);
    let mut times = Vec::new();
    let mut parses = Vec::new();
    while times.len() < 10_000 {
        let zone = chrono_tz::TZ_VARIANTS[dice.below(chrono_tz::TZ_VARIANTS.len() as u32) as usize];
        let text = dice.expression();
        let clock = Instant::now();
        let parsed = Recurrence::cron(&text, zone.into());
        parses.push((clock.elapsed().as_nanos(), text.clone()));
        let Ok(recurrence) = parsed else { continue };
        let start = starts[times.len()];
        let best = (0..3).map(|_| {
            let clock = Instant::now();
            black_box(recurrence.next_after(start));
            clock.elapsed().as_nanos()
        });
        times.push((
            best.min().unwrap_or_default(),
            format!("{text} in {zone} after {start}"),
        ));
    }
    times.sort();
    parses.sort();
    println!(
        "\n10,000 random expressions: median {} ns, p99 {} ns",
        times[5000].0, times[9900].0
    );
    println!("slowest next: {:?}", &times[9998..]);
    println!("slowest parse: {:?}", parses.last());
    Ok(())
}

fn starts(count: i64) -> Vec<DateTime<Utc>> {
    let first = DateTime::<Utc>::from_timestamp(1_767_225_600, 0).unwrap_or_default();
    (0..count)
        .map(|n| first + Duration::seconds(n * 15_773 % (365 * 86_400)))
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

    fn field(&mut self, low: u32, high: u32, specials: &[&str]) -> String {
        let size = high - low + 1;
        match self.below(6) {
            0 | 1 => "*".to_owned(),
            2 => format!("*/{}", 1 + self.below(size)),
            3 if !specials.is_empty() => specials[self.below(specials.len() as u32) as usize].to_owned(),
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

    fn expression(&mut self) -> String {
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
        fields.join(" ")
    }
}
