//! What holds for any list: its pages, and its filters.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Debug;

use ratchet_interfaces::{Bound, Choice, Filter, Page, PageRequest, SortOrder, TextMatch};

use crate::sample::page;

/// Reads a list in pages of several lengths and from behind its end, and compares it with the rows that it has.
pub(crate) async fn assert_list<T: Clone + Debug + PartialEq>(
    expected: &[T],
    list: impl AsyncFn(PageRequest) -> Page<T>,
) {
    let total = expected.len() as u64;
    for limit in [
        1,
        2,
        3,
        7,
        total.clamp(1, PageRequest::MAX_LIMIT),
        PageRequest::MAX_LIMIT,
    ] {
        // Page by page until one is empty: also where the last one is full.
        for offset in (0..=total).step_by(usize::try_from(limit).unwrap()) {
            let answer = list(page(offset, limit)).await;
            let from = usize::try_from(offset).unwrap();
            let to = usize::try_from(total.min(offset + limit)).unwrap();
            assert_eq!(answer.items, expected[from..to], "{limit} rows from {offset}");
            assert_eq!(answer.total, total, "{limit} rows from {offset}");
        }
    }
    for offset in [total, total + 1, total + 1_000, i64::MAX as u64, u64::MAX] {
        let answer = list(page(offset, 10)).await;
        let nothing = Page {
            items: Vec::new(),
            total,
        };
        assert_eq!(answer, nothing, "from {offset}");
    }
}

/// Each comparison with each of the values.
pub(crate) fn choices<T: Clone>(values: &[T]) -> Vec<Choice<T>> {
    let mut choices = vec![
        Choice::IsOneOf(Vec::new()),
        Choice::IsOneOf(values.iter().step_by(2).cloned().collect()),
    ];
    for value in values {
        choices.extend([Choice::Is(value.clone()), Choice::IsNot(value.clone())]);
    }
    choices
}

pub(crate) fn bounds<T: Clone>(values: &[T]) -> Vec<Bound<T>> {
    let mut bounds: Vec<_> = choices(values).into_iter().map(Bound::Choice).collect();
    for value in values {
        bounds.extend([
            Bound::AtLeast(value.clone()),
            Bound::AtMost(value.clone()),
            Bound::Before(value.clone()),
        ]);
    }
    bounds
}

pub(crate) fn texts(values: &[&str], parts: &[&str]) -> Vec<TextMatch> {
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    let mut texts: Vec<_> = choices(&values).into_iter().map(TextMatch::Choice).collect();
    texts.extend(parts.iter().map(|part| TextMatch::Contains((*part).to_owned())));
    texts
}

/// What the documentation of the comparison says of all texts but names.
pub(crate) fn text_is_met(expected: &TextMatch, found: Option<&str>) -> bool {
    match expected {
        TextMatch::Choice(choice) => choice.is_met_by(found.map(str::to_owned).as_ref()),
        TextMatch::Contains(part) => {
            found.is_some_and(|found| found.to_ascii_lowercase().contains(&part.to_ascii_lowercase()))
        }
    }
}

/// What the documentation of the comparison says of names.
pub(crate) fn name_is_met(expected: &TextMatch, found: &str) -> bool {
    match expected {
        TextMatch::Choice(_) => text_is_met(expected, Some(found)),
        TextMatch::Contains(part) => found.to_lowercase().contains(&part.to_lowercase()),
    }
}

/// Asks for the rows of each condition, and of each together with another, and compares them with those that a naive
/// filter leaves. Each of the `fields` must have a condition that tells some rows from the others.
pub(crate) async fn assert_filters<C: Clone + Debug, T: Clone + Debug + PartialEq>(
    fields: &[&'static str],
    field: impl Fn(&C) -> &'static str,
    conditions: &[C],
    rows: &[T],
    matches: impl Fn(&C, &T) -> bool,
    list: impl AsyncFn(&Filter<C>) -> Page<T>,
) {
    let mut telling = BTreeSet::new();
    for (place, condition) in conditions.iter().enumerate() {
        let left = rows.iter().filter(|row| matches(condition, row)).count();
        if 0 < left && left < rows.len() {
            telling.insert(field(condition));
        }
        // A step that meets the conditions on other fields too.
        let other = &conditions[(place * 7 + 3) % conditions.len()];
        for filter in [
            Filter::of([condition.clone()]),
            Filter::of([condition.clone(), other.clone()]),
        ] {
            let expected: Vec<T> = rows
                .iter()
                .filter(|row| {
                    filter
                        .conditions()
                        .iter()
                        .all(|condition| matches(condition, row))
                })
                .cloned()
                .collect();
            let found = list(&filter).await;
            assert_eq!(found.items, expected, "{filter:?}");
            assert_eq!(found.total, expected.len() as u64, "{filter:?}");
        }
    }
    assert_eq!(
        telling,
        fields.iter().copied().collect(),
        "the fields that were tried"
    );
}

/// In the direction of a sort.
pub(crate) const fn directed(order: SortOrder, ascending: Ordering) -> Ordering {
    match order {
        SortOrder::Ascending => ascending,
        SortOrder::Descending => ascending.reverse(),
    }
}

/// In the direction of a sort, and what has no value last in either.
pub(crate) fn absent_last<T: Ord>(order: SortOrder, a: Option<T>, b: Option<T>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => directed(order, a.cmp(&b)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}
