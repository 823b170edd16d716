//! What holds for every list of the API: each parameter of its document is one condition of the repository.

use std::collections::BTreeSet;

use ratchet_interfaces::{
    DeliveryCondition, DeliverySort, ExecutionCondition, ExecutionSort, JobCondition, JobSort, LogCondition,
    ScheduleCondition, ScheduleSort, SortOrder, TickCondition, TickSort,
};

use super::Listed;
use super::comparison::Comparison;
use super::filter::snake_case;
use super::parameters;
use super::parse::parse;
use crate::executions::{Asked, Executions, Lines};
use crate::jobs::{Deliveries, Jobs};
use crate::schedules::{Schedules, Ticks};

/// A value that a parameter of one of the lists takes.
const VALUES: [&str; 14] = [
    "00000000-0000-0000-0000-000000000001",
    "2026-03-01T09:00:00Z",
    "true",
    "7",
    "ACTIVE",
    "QUEUED",
    "TICK",
    "HIGH",
    "TASK",
    "RUNNING",
    "FIRED",
    "DELIVERED",
    "WARN",
    "some text",
];

/// Asks for each field with each comparison: what is documented is understood as a condition on the field, and nothing
/// else is. `wire` names fields that are called otherwise over the wire, `internal` those that the route itself sets.
fn assert_parameters<R: Listed>(
    fields: &[&'static str],
    field: fn(&R::Condition) -> &'static str,
    wire: &[(&str, &'static str)],
    internal: &[&'static str],
) {
    let documented: BTreeSet<String> = parameters::of(&R::OFFER)
        .into_iter()
        .map(|parameter| parameter.name)
        .collect();
    let mut filtered = BTreeSet::new();
    for asked in R::OFFER.fields {
        for comparison in Comparison::ALL {
            let name = asked.parameter(comparison);
            let answers = VALUES.map(|value| parse(&R::OFFER, &format!("{name}={value}")));
            let understood: Vec<_> = answers.into_iter().flatten().collect();
            assert_eq!(documented.contains(&name), !understood.is_empty(), "{name}");
            for (filter, ..) in understood {
                let [condition] = filter.conditions() else {
                    panic!("{name} is one condition");
                };
                let snake = snake_case(asked.name());
                let other = wire.iter().find(|(wire, _)| *wire == snake);
                let expected = other.map_or(&*snake, |(_, field)| field);
                if field(condition) != "through" {
                    assert_eq!(field(condition), expected, "{name}");
                }
                filtered.insert(field(condition));
            }
        }
    }
    filtered.extend(internal);
    assert_eq!(
        filtered,
        fields.iter().copied().collect(),
        "the fields that can be filtered by"
    );
}

#[test]
fn each_parameter_of_each_list_is_a_condition_on_its_field() {
    assert_parameters::<Schedules>(
        ScheduleCondition::FIELDS,
        ScheduleCondition::field,
        &[("cron_expression", "specification")],
        &[],
    );
    assert_parameters::<Jobs>(
        JobCondition::FIELDS,
        JobCondition::field,
        &[("error_message", "error")],
        &[],
    );
    assert_parameters::<Executions>(
        ExecutionCondition::FIELDS,
        Asked::field,
        &[("error_message", "error"), ("duration_ms", "duration")],
        &[],
    );
    assert_parameters::<Ticks>(TickCondition::FIELDS, TickCondition::field, &[], &["schedule_id"]);
    assert_parameters::<Deliveries>(
        DeliveryCondition::FIELDS,
        DeliveryCondition::field,
        &[],
        &["job_id"],
    );
    assert_parameters::<Lines>(
        LogCondition::FIELDS,
        LogCondition::field,
        &[("timestamp", "at")],
        &[],
    );
}

/// Each key of the repository is a sort key of the list, and the first of these is the default's.
fn assert_sorts<R: Listed>(keys: &[fn(SortOrder) -> R::Sort])
where
    R::Sort: PartialEq + std::fmt::Debug,
{
    let order = SortOrder::Descending;
    for key in keys {
        let sort = R::OFFER
            .sorts
            .iter()
            .find(|sort| (sort.sort)(order) == key(order));
        let field = sort.map(|sort| sort.field).expect("each key has a name");
        let (_, parsed, _) = parse(&R::OFFER, &format!("_sort={field}&_order=DESC")).unwrap();
        assert_eq!(parsed, key(order));
    }
    assert_eq!(R::OFFER.sorts.len(), keys.len());
    let first = R::OFFER.sorts[0].sort;
    let default = R::Sort::default();
    assert!(
        [SortOrder::Ascending, order].map(first).contains(&default),
        "{default:?}"
    );
}

#[test]
fn each_sort_key_of_the_repositories_is_one_of_the_lists() {
    assert_sorts::<Schedules>(ScheduleSort::KEYS);
    assert_sorts::<Jobs>(JobSort::KEYS);
    assert_sorts::<Executions>(ExecutionSort::KEYS);
    assert_sorts::<Ticks>(TickSort::KEYS);
    assert_sorts::<Deliveries>(DeliverySort::KEYS);
}
