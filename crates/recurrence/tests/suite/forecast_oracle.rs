//! Forecasts against a look at each schedule by itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use ratchet_recurrence::{Busy, Expected, Gap, Overlap, Planned, Specification, buckets, busiest, forecast};

use crate::expressions::any_fields;
use crate::{at, zone};

pub(crate) fn any_specification() -> impl Strategy<Value = Specification> {
    (
        prop::collection::vec(any_fields(), 0..3),
        prop::option::of((1..200_000u64, 0..4_000_000u32)),
        prop::collection::vec(1_760_000_000..1_780_000_000i64, 0..3),
        prop::sample::select(&[
            "UTC",
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "America/Santiago",
            "Asia/Kathmandu",
        ]),
        any::<[bool; 2]>(),
    )
        .prop_filter_map("never", |(crons, interval, instants, name, policies)| {
            let mut draft = Specification::builder(zone(name));
            for cron in &crons {
                draft = draft.cron(&cron.text());
            }
            if let Some((every, anchor)) = interval {
                let anchor = at("2026-01-01T00:00:00Z") + Duration::from_secs(anchor.into());
                draft = draft.every_from(Duration::from_secs(every), anchor);
            }
            draft = draft.at(instants
                .into_iter()
                .map(|second| DateTime::from_timestamp(second, 0).unwrap()));
            if policies[0] {
                draft = draft.gap(Gap::Skip);
            }
            if policies[1] {
                draft = draft.overlap(Overlap::Twice);
            }
            draft.build().ok()
        })
}

/// A schedule with an offset, a limit and a stored next tick, some of them like others of the same forecast.
fn any_planned(start: i64) -> impl Strategy<Value = Planned<()>> {
    let offset = prop_oneof![Just(0), Just(250), Just(90_000), 0..400_000u64].prop_map(Duration::from_millis);
    let most = prop_oneof![Just(None), (0..40u64).prop_map(Some), Just(Some(u64::MAX))];
    let from = prop_oneof![
        Just(None),
        Just(Some(start)),
        (start - 4_000..start + 20_000).prop_map(Some)
    ];
    (any_specification(), offset, most, from, 0..2u32).prop_map(
        |(specification, offset, most, from, half)| Planned {
            offset,
            most,
            from: from.map(|second| DateTime::from_timestamp(second, half * 500_000_000).unwrap()),
            ..Planned::new((), Arc::new(specification))
        },
    )
}

/// The runs of a schedule from `from` until shortly before `to`, one looked at after the other.
fn looked_up<'a, K>(
    planned: &'a Planned<K>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> + 'a {
    let counted_from = planned.from.unwrap_or(from - planned.offset);
    // `upcoming` looks at whole seconds, and what ticks at that very instant counts.
    planned
        .specification
        .upcoming(counted_from - Duration::from_secs(1))
        .filter(move |tick| *tick >= counted_from)
        .take(usize::try_from(planned.most.unwrap_or(u64::MAX)).unwrap())
        .map(|tick| (tick + planned.offset, tick))
        .skip_while(move |(runs_at, _)| *runs_at < from)
        .take_while(move |(runs_at, _)| *runs_at < to)
}

proptest! {
    #![proptest_config(crate::cases(200))]

    #[test]
    fn a_forecast_is_what_its_schedules_say_one_by_one(
        (start, schedules) in (1_760_000_000..1_780_000_000i64)
            .prop_flat_map(|start| (Just(start), prop::collection::vec(any_planned(start), 1..6))),
        twins in 0..3usize, fraction in 0..3u32, milliseconds in 1..18_000_000u64, width in 1..4000u64,
    ) {
        let from = DateTime::from_timestamp(start, fraction * 250_000_000).unwrap();
        let to = from + Duration::from_millis(milliseconds);
        let schedules: Vec<Planned<usize>> = schedules
            .iter()
            .cycle()
            .take(schedules.len() + twins)
            .cloned()
            .enumerate()
            .map(|(key, Planned { key: (), specification, offset, most, from })| {
                Planned { key, specification, offset, most, from }
            })
            .collect();
        let mut expected: BTreeMap<DateTime<Utc>, Vec<(usize, DateTime<Utc>)>> = BTreeMap::new();
        for planned in &schedules {
            for (runs_at, tick) in looked_up(planned, from, to) {
                expected.entry(runs_at).or_default().push((planned.key, tick));
            }
        }

        let mut streamed: BTreeMap<DateTime<Utc>, Vec<(usize, DateTime<Utc>)>> = BTreeMap::new();
        let mut last = from;
        for Expected { key, tick, runs_at } in forecast(schedules.clone(), from, to).unwrap() {
            prop_assert!(runs_at >= last);
            last = runs_at;
            streamed.entry(runs_at).or_default().push((key, tick));
        }
        streamed.values_mut().for_each(|runs| runs.sort_unstable());
        prop_assert_eq!(&streamed, &expected);

        let counted = buckets(schedules.clone(), from, to, Duration::from_secs(width)).unwrap();
        let in_each: Vec<u64> = counted
            .iter()
            .map(|(start, _)| {
                let end = start + Duration::from_secs(width);
                expected.range(start..end).map(|(_, runs)| runs.len() as u64).sum()
            })
            .collect();
        prop_assert_eq!(&counted.counts, &in_each);
        prop_assert_eq!(in_each.iter().sum::<u64>(), expected.values().map(|runs| runs.len() as u64).sum::<u64>());

        let mut in_second: BTreeMap<i64, u64> = BTreeMap::new();
        for (runs_at, runs) in &expected {
            *in_second.entry(runs_at.timestamp()).or_default() += runs.len() as u64;
        }
        let mut busy: Vec<Busy> = in_second
            .into_iter()
            .map(|(second, runs)| Busy { at: DateTime::from_timestamp(second, 0).unwrap(), runs })
            .collect();
        busy.sort_by_key(|busy| (std::cmp::Reverse(busy.runs), busy.at));
        busy.truncate(10);
        prop_assert_eq!(busiest(schedules, from, to, 10).unwrap(), busy);
    }
}
