//! Whole specifications by brute force: every step of real time around changes of the clock is judged by itself.
//!
//! The judge shares nothing with the crate. It knows which local time each step shows, whether an earlier or a later
//! step shows it too, and which local times were leapt over to get there.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, NaiveDateTime, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use ratchet_recurrence::{
    CronError, DaylightPolicy, Explanation, Gap, Overlap, Reason, Specification, SpecificationError,
};

use crate::expressions::{Expression, any_fields, five_fields};
use crate::oracle::changes;

const CHANGES: &[(Tz, &str)] = &[
    (Tz::America__New_York, "2026"),
    (Tz::Europe__Berlin, "2026"),
    (Tz::Australia__Lord_Howe, "2026"),
    (Tz::America__Sao_Paulo, "2018"),
    (Tz::America__Santiago, "2026"),
    (Tz::Pacific__Apia, "2011"),
    (Tz::Africa__Casablanca, "2026"),
    (Tz::Antarctica__Troll, "2026"),
    (Tz::Pacific__Kwajalein, "1993"),
    (Tz::UTC, "2026"),
];

/// One step of real time and what the clock makes of it.
struct Step {
    shown: NaiveDateTime,
    shown_before: bool,
    shown_again: bool,
    leapt_over: Vec<NaiveDateTime>,
}

struct Walk {
    zone: Tz,
    start: DateTime<Utc>,
    step: Duration,
    steps: Vec<Step>,
}

impl Walk {
    fn new(zone: Tz, start: DateTime<Utc>, length: Duration, step: Duration) -> Self {
        let count = length.num_seconds() / step.num_seconds();
        let shown: Vec<NaiveDateTime> = (0..count)
            .map(|n| (start + step * n as i32).with_timezone(&zone).naive_local())
            .collect();
        let mut places: HashMap<NaiveDateTime, Vec<usize>> = HashMap::new();
        for (n, local) in shown.iter().enumerate() {
            places.entry(*local).or_default().push(n);
        }
        let steps = shown
            .iter()
            .enumerate()
            .map(|(n, &local)| {
                let mut leapt_over = Vec::new();
                if n > 0 {
                    let mut between = shown[n - 1] + step;
                    while between < local {
                        leapt_over.push(between);
                        between += step;
                    }
                }
                Step {
                    shown: local,
                    shown_before: places[&local].iter().any(|other| *other < n),
                    shown_again: places[&local].iter().any(|other| *other > n),
                    leapt_over,
                }
            })
            .collect();
        Self {
            zone,
            start,
            step,
            steps,
        }
    }

    fn instant(&self, n: usize) -> DateTime<Utc> {
        self.start + self.step * n as i32
    }

    fn end(&self) -> DateTime<Utc> {
        self.instant(self.steps.len())
    }
}

fn walks(before: Duration, length: Duration, step: Duration) -> Vec<Walk> {
    CHANGES
        .iter()
        .flat_map(|(zone, year)| {
            changes(*zone, year)
                .into_iter()
                .map(move |change| (*zone, change))
        })
        .map(|(zone, change)| Walk::new(zone, change - before, length, step))
        .collect()
}

static BY_MINUTE: LazyLock<Vec<Walk>> =
    LazyLock::new(|| walks(Duration::hours(30), Duration::hours(60), Duration::minutes(1)));
static BY_SECOND: LazyLock<Vec<Walk>> = LazyLock::new(|| {
    walks(
        Duration::minutes(70),
        Duration::minutes(140),
        Duration::seconds(1),
    )
});

/// Numbers that become a specification once the walk is known, around whose change everything lies.
#[derive(Clone, Debug)]
struct Plan {
    crons: Vec<Expression>,
    /// The length and the anchor in steps, the anchor from the walk's start.
    intervals: Vec<(u32, u32)>,
    instants: Vec<u32>,
    /// The first day from the walk's first, and how many more.
    dates: Vec<(u64, u64)>,
    /// Minutes of the week, from the walk's first.
    weekly: Vec<(u32, u32)>,
    excluded: Vec<Expression>,
    starts: Option<u32>,
    ends: Option<u32>,
    daylight: DaylightPolicy,
}

/// The same in the words of the crate and in those of the judge.
struct Case<'a> {
    plan: &'a Plan,
    walk: &'a Walk,
    text: String,
    intervals: Vec<(DateTime<Utc>, Duration)>,
    instants: Vec<DateTime<Utc>>,
    dates: Vec<(NaiveDate, NaiveDate)>,
    weekly: Vec<(u32, u32)>,
    starts: Option<DateTime<Utc>>,
    ends: Option<DateTime<Utc>>,
}

const WEEK: u32 = 7 * 24 * 60;

fn minute_of_week(local: NaiveDateTime) -> u32 {
    (local.weekday().num_days_from_monday() * 24 + local.hour()) * 60 + local.minute()
}

fn written(minute: u32) -> String {
    let day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][(minute / 1440) as usize];
    format!("{day} {:02}:{:02}", minute / 60 % 24, minute % 60)
}

impl<'a> Case<'a> {
    fn new(plan: &'a Plan, walk: &'a Walk) -> Self {
        let place = |n: u32| walk.instant(n as usize % walk.steps.len());
        let rfc = |instant: DateTime<Utc>| instant.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let first = walk.steps[0].shown;
        let mut case = Self {
            plan,
            walk,
            text: String::new(),
            intervals: plan
                .intervals
                .iter()
                .map(|(every, anchor)| (place(*anchor), walk.step * (1 + *every as i32)))
                .collect(),
            instants: plan.instants.iter().map(|n| place(*n)).collect(),
            dates: plan
                .dates
                .iter()
                .map(|(from, more)| {
                    let from = first.date() + Days::new(*from);
                    (from, from + Days::new(*more))
                })
                .collect(),
            weekly: plan
                .weekly
                .iter()
                .map(|(from, length)| {
                    let from = (minute_of_week(first) + from) % WEEK;
                    (from, (from + 1 + length) % WEEK)
                })
                .collect(),
            starts: plan.starts.map(place),
            ends: plan.ends.map(place),
        };
        let mut parts: Vec<String> = plan.crons.iter().map(Expression::text).collect();
        for (anchor, every) in &case.intervals {
            parts.push(format!("every {}s from {}", every.num_seconds(), rfc(*anchor)));
        }
        if !case.instants.is_empty() {
            let each: Vec<String> = case.instants.iter().map(|instant| rfc(*instant)).collect();
            parts.push(format!("at {}", each.join(",")));
        }
        parts.extend(case.dates.iter().map(|(a, b)| format!("except {a}..{b}")));
        for (from, until) in &case.weekly {
            parts.push(format!("except {}-{}", written(*from), written(*until)));
        }
        for expression in &plan.excluded {
            parts.push(format!("except cron {}", expression.text()));
        }
        parts.extend(case.starts.map(|start| format!("starting {}", rfc(start))));
        parts.extend(case.ends.map(|end| format!("ending {}", rfc(end))));
        parts.push(format!("gap {}", plan.daylight.gap));
        parts.push(format!("overlap {}", plan.daylight.overlap));
        case.text = parts.join("; ");
        case
    }

    fn is_tick(&self, n: usize) -> bool {
        let (instant, step) = (self.walk.instant(n), &self.walk.steps[n]);
        self.is_named(instant, step)
            && self.starts.is_none_or(|start| instant >= start)
            && self.ends.is_none_or(|end| instant < end)
            && !self.is_excluded(step.shown)
    }

    fn is_named(&self, instant: DateTime<Utc>, step: &Step) -> bool {
        let interval = self.intervals.iter().any(|(anchor, every)| {
            instant >= *anchor && (instant - anchor).num_seconds() % every.num_seconds() == 0
        });
        interval
            || self.instants.contains(&instant)
            || self.plan.crons.iter().any(|cron| self.cron_names(cron, step))
    }

    fn cron_names(&self, cron: &Expression, step: &Step) -> bool {
        if cron.is_wildcard() {
            return cron.matches(step.shown);
        }
        let chosen = match self.plan.daylight.overlap {
            Overlap::OnceFirst => !step.shown_before,
            Overlap::OnceLast => !step.shown_again,
            Overlap::Twice => true,
        };
        let moved = self.plan.daylight.gap == Gap::RunAfter
            && step.leapt_over.iter().any(|local| cron.matches(*local));
        moved || (chosen && cron.matches(step.shown))
    }

    fn is_excluded(&self, shown: NaiveDateTime) -> bool {
        let minute = minute_of_week(shown);
        self.dates
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&shown.date()))
            || self.weekly.iter().any(|(from, until)| {
                if from < until {
                    (from..until).contains(&&minute)
                } else {
                    minute >= *from || minute < *until
                }
            })
            || self.plan.excluded.iter().any(|cron| {
                let shown = match cron.second {
                    Some(_) => shown,
                    None => shown.with_second(0).unwrap(),
                };
                cron.matches(shown)
            })
    }
}

fn any_plan(cron: BoxedStrategy<Expression>) -> impl Strategy<Value = Plan> {
    let few = |most| 0..=most;
    let sources = (
        prop::collection::vec(cron.clone(), 1..4),
        prop::collection::vec((0..400u32, 0..10_000u32), few(1)),
        prop::collection::vec(0..10_000u32, few(3)),
    );
    let exclusions = (
        prop::collection::vec((0..3u64, 0..2u64), few(1)),
        prop::collection::vec((0..4_000u32, 0..WEEK - 1), few(1)),
        prop::collection::vec(cron, few(1)),
    );
    let bounds = (
        prop::option::weighted(0.2, 0..10_000u32),
        prop::option::weighted(0.2, 0..10_000u32),
    );
    let daylight = (
        prop::sample::select(vec![Gap::RunAfter, Gap::Skip]),
        prop::sample::select(vec![Overlap::OnceFirst, Overlap::OnceLast, Overlap::Twice]),
    );
    // Half of the plans are but a few sources, so that exclusions do not hide what the policies do.
    (sources, exclusions, bounds, daylight, any::<[bool; 3]>()).prop_map(
        |(sources, exclusions, bounds, (gap, overlap), keep)| {
            let (crons, mut intervals, mut instants) = sources;
            let (mut dates, mut weekly, mut excluded) = exclusions;
            if !keep[0] {
                (intervals, instants) = (Vec::new(), Vec::new());
            }
            if !keep[1] {
                (dates, weekly) = (Vec::new(), Vec::new());
            }
            if !keep[2] {
                excluded = Vec::new();
            }
            Plan {
                crons,
                intervals,
                instants,
                dates,
                weekly,
                excluded,
                starts: bounds.0,
                ends: bounds.1,
                daylight: DaylightPolicy { gap, overlap },
            }
        },
    )
}

fn never_fires(refused: &SpecificationError) -> bool {
    matches!(&refused.reason, Reason::Cron(error) if matches!(**error, CronError::NeverFires { .. }))
}

fn agree(walk: &Walk, plan: &Plan) -> Result<(), TestCaseError> {
    let case = Case::new(plan, walk);
    // The first step's past is unknown.
    let expected: Vec<_> = (1..walk.steps.len())
        .filter(|n| case.is_tick(*n))
        .map(|n| walk.instant(n))
        .collect();
    let specification = match Specification::parse(&case.text, walk.zone.into()) {
        Ok(specification) => specification,
        // One expression of several that no date satisfies is reason enough.
        Err(refused) if never_fires(&refused) => return Ok(()),
        Err(refused) => {
            prop_assert!(expected.is_empty(), "{} was refused: {refused}", case.text);
            return Ok(());
        }
    };
    let printed = specification.to_string();
    let again = Specification::parse(&printed, walk.zone.into());
    prop_assert_eq!(
        again.as_ref(),
        Ok(&specification),
        "{} printed as {}",
        &case.text,
        printed
    );
    let ticks: Vec<_> = specification
        .upcoming(walk.start)
        .take_while(|tick| *tick < walk.end())
        .collect();
    prop_assert_eq!(&ticks, &expected, "{} in {}", &case.text, walk.zone);

    // From anywhere the same is seen, forwards, backwards and in numbers.
    for n in (0..walk.steps.len()).step_by(101) {
        let from = walk.instant(n);
        let later = expected.partition_point(|tick| *tick <= from);
        if let Some(next) = expected.get(later) {
            prop_assert_eq!(specification.next_after(from), Some(*next), "after {}", from);
        }
        let end = walk.end() - walk.step;
        prop_assert_eq!(
            specification.count_between(from, end),
            (expected.len() - later) as u64,
            "{} in {} after {}",
            &case.text,
            walk.zone,
            from
        );
        prop_assert_eq!(
            specification.last_between(walk.start, from),
            expected[..later].last().copied()
        );
        let due = n > 0 && case.is_tick(n);
        let explained = specification.explain(from);
        prop_assert!(n == 0 || specification.is_due(from) == due);
        prop_assert!(
            n == 0 || matches!(explained, Explanation::Due { .. }) == due,
            "{explained}"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::cases(400))]

    #[test]
    fn a_specification_fires_as_a_judge_of_every_minute_says(
        walk in 0..1000usize, plan in any_plan(five_fields().boxed()),
    ) {
        agree(&BY_MINUTE[walk % BY_MINUTE.len()], &plan)?;
    }
}

proptest! {
    #![proptest_config(crate::cases(120))]

    #[test]
    fn a_specification_fires_as_a_judge_of_every_second_says(
        walk in 0..1000usize, plan in any_plan(any_fields().boxed()),
    ) {
        // Changes longer than the walk are for the judge of minutes.
        let walks: Vec<_> = BY_SECOND
            .iter()
            .filter(|walk| {
                !matches!(
                    walk.zone,
                    Tz::Pacific__Apia | Tz::Pacific__Kwajalein | Tz::Antarctica__Troll
                )
            })
            .collect();
        agree(walks[walk % walks.len()], &plan)?;
    }
}

/// Every policy meets every kind of change, whatever the dice say.
#[test]
fn each_policy_is_exact_at_each_change() {
    for gap in [Gap::RunAfter, Gap::Skip] {
        for overlap in [Overlap::OnceFirst, Overlap::OnceLast, Overlap::Twice] {
            for walk in BY_MINUTE.iter() {
                for (minute, hour) in [("0-59/7", "0-23"), ("30", "0,1,2,3,23"), ("*/20", "0-3")] {
                    let text = format!("{minute} {hour} * * *; gap {gap}; overlap {overlap}");
                    let specification = Specification::parse(&text, walk.zone.into()).unwrap();
                    let matches = |local: NaiveDateTime| {
                        let by_minute = match minute {
                            "0-59/7" => local.minute().is_multiple_of(7),
                            "30" => local.minute() == 30,
                            _ => local.minute().is_multiple_of(20),
                        };
                        let by_hour = match hour {
                            "0-23" => true,
                            "0-3" => local.hour() < 4,
                            _ => local.hour() < 4 || local.hour() == 23,
                        };
                        by_minute && by_hour
                    };
                    let wildcard = minute == "*/20";
                    let expected: Vec<_> = (1..walk.steps.len())
                        .filter(|n| {
                            let step = &walk.steps[*n];
                            let chosen = match overlap {
                                _ if wildcard => true,
                                Overlap::OnceFirst => !step.shown_before,
                                Overlap::OnceLast => !step.shown_again,
                                Overlap::Twice => true,
                            };
                            let moved = !wildcard
                                && gap == Gap::RunAfter
                                && step.leapt_over.iter().any(|local| matches(*local));
                            moved || (chosen && matches(step.shown))
                        })
                        .map(|n| walk.instant(n))
                        .collect();
                    let ticks: Vec<_> = specification
                        .upcoming(walk.start)
                        .take_while(|tick| *tick < walk.end())
                        .collect();
                    assert_eq!(ticks, expected, "{text} in {}", walk.zone);
                    for n in (0..walk.steps.len()).step_by(17) {
                        let from = walk.instant(n);
                        let left = expected.iter().filter(|tick| **tick > from).count();
                        let counted = specification.count_between(from, walk.end() - walk.step);
                        assert_eq!(counted, left as u64, "{text} in {} from {from}", walk.zone);
                    }
                }
            }
        }
    }
}

#[test]
fn every_change_is_walked() {
    assert!(BY_MINUTE.len() >= 15, "{}", BY_MINUTE.len());
    assert!(
        BY_MINUTE
            .iter()
            .any(|walk| walk.steps.iter().any(|step| step.shown_again))
    );
    assert!(
        BY_MINUTE
            .iter()
            .any(|walk| walk.steps.iter().any(|step| step.leapt_over.len() >= 1439))
    );
}
