use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use ratchet_interfaces::{Bound, Choice, InstantBound, JobStatus, LengthBound, TaskId, TextMatch};

use super::*;
use crate::list::comparison::Comparison;
use crate::list::filter::field;
use crate::list::parameters;

#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    Task(Choice<TaskId>),
    Name(TextMatch),
    Status(Choice<JobStatus>),
    Enabled(bool),
    Attempts(Bound<u64>),
    QueuedAt(InstantBound),
    Duration(LengthBound),
}

#[derive(Debug, Default, PartialEq)]
enum Order {
    #[default]
    None,
    Name(SortOrder),
    QueuedAt(SortOrder),
}

const OFFER: Offer<Wanted, Order> = Offer {
    fields: &[
        &field("taskId", Wanted::Task, ""),
        &field("name", Wanted::Name, ""),
        &field("status", Wanted::Status, ""),
        &field("isEnabled", Wanted::Enabled, ""),
        &field("attempts", Wanted::Attempts, ""),
        &field("queuedAt", Wanted::QueuedAt, ""),
        &field("durationMs", Wanted::Duration, ""),
    ],
    sorts: &[
        Sort::by("name", Order::Name),
        Sort::by("queuedAt", Order::QueuedAt),
    ],
    default_order: "by nothing",
};

fn read(query: &str) -> Result<(Vec<Wanted>, Order, PageRequest), String> {
    let read = parse(&OFFER, query).map_err(|error| {
        assert_eq!(error.status().as_u16(), 400, "{error}");
        error.to_string()
    });
    read.map(|(filter, order, page)| (filter.conditions().to_vec(), order, page))
}

fn page(query: &str) -> (u64, u64) {
    let page = read(query).unwrap().2;
    (page.offset(), page.limit())
}

#[test]
fn an_empty_query_is_the_first_page_of_everything() {
    let (wanted, order, page) = read("").unwrap();
    assert_eq!((wanted, order), (Vec::new(), Order::None));
    assert_eq!((page.offset(), page.limit()), (0, 25));
}

#[test]
fn start_and_end_win_over_page_and_limit() {
    for (query, expected) in [
        ("page=3", (50, 25)),
        ("page=3&limit=10", (20, 10)),
        ("_start=5&_end=15", (5, 10)),
        ("_start=5&_end=15&page=3&limit=50", (5, 10)),
        ("_start=5", (5, 25)),
        ("_start=5&limit=7", (5, 7)),
        ("_end=7", (0, 7)),
        ("limit=100", (0, 100)),
    ] {
        assert_eq!(page(query), expected, "{query}");
    }
}

#[test]
fn each_comparison_is_understood_with_its_field_in_both_spellings() {
    const ID: &str = "00000000-0000-0000-0000-000000000001";
    let id: TaskId = ID.parse().unwrap();
    let text = |text: &str| text.to_owned();
    let epoch = DateTime::<Utc>::UNIX_EPOCH;
    let millis = TimeDelta::milliseconds;
    for (query, expected) in [
        (format!("taskId={ID}"), Wanted::Task(Choice::Is(id))),
        (format!("task_id={ID}"), Wanted::Task(Choice::Is(id))),
        (format!("task_id_ne={ID}"), Wanted::Task(Choice::IsNot(id))),
        (
            format!("taskId_in={ID},%20{ID}"),
            Wanted::Task(Choice::IsOneOf(vec![id, id])),
        ),
        (
            text("name=a+b%26c"),
            Wanted::Name(TextMatch::Choice(Choice::Is(text("a b&c")))),
        ),
        (
            text("name_in=a,b"),
            Wanted::Name(TextMatch::Choice(Choice::IsOneOf(vec![text("a"), text("b")]))),
        ),
        (
            text("name_like=Night%25"),
            Wanted::Name(TextMatch::Contains(text("Night%"))),
        ),
        (text("is_enabled=TRUE"), Wanted::Enabled(true)),
        (
            text("status_ne=Failed"),
            Wanted::Status(Choice::IsNot(JobStatus::Failed)),
        ),
        (
            text("status_in=queued,RETRYING"),
            Wanted::Status(Choice::IsOneOf(vec![JobStatus::Queued, JobStatus::Retrying])),
        ),
        (text("attempts=3"), Wanted::Attempts(Bound::Choice(Choice::Is(3)))),
        (
            text("attempts_ne=3"),
            Wanted::Attempts(Bound::Choice(Choice::IsNot(3))),
        ),
        (text("attempts_gte=0"), Wanted::Attempts(Bound::AtLeast(0))),
        (text("attempts_lte=9"), Wanted::Attempts(Bound::AtMost(9))),
        (
            text("queued_at_gte=1970-01-01T00:00:00Z"),
            Wanted::QueuedAt(Bound::AtLeast(epoch)),
        ),
        (
            text("queuedAt_lte=1970-01-01T01:00:00+01:00"),
            Wanted::QueuedAt(Bound::AtMost(epoch)),
        ),
        (
            text("durationMs_gte=1500"),
            Wanted::Duration(Bound::AtLeast(millis(1_500))),
        ),
        // What is shown as 1,500 ms may be a little longer.
        (
            text("duration_ms_lte=1500"),
            Wanted::Duration(Bound::AtMost(TimeDelta::microseconds(1_500_999))),
        ),
    ] {
        assert_eq!(read(&query).unwrap().0, [expected], "{query}");
    }
}

#[test]
fn several_filters_are_all_to_be_met() {
    let (wanted, ..) = read("is_enabled=true&status=failed&status_ne=queued").unwrap();
    assert_eq!(
        wanted,
        [
            Wanted::Enabled(true),
            Wanted::Status(Choice::Is(JobStatus::Failed)),
            Wanted::Status(Choice::IsNot(JobStatus::Queued)),
        ]
    );
}

#[test]
fn values_have_a_length_and_a_number() {
    let long = "ä".repeat(1_000);
    let ids = vec!["00000000-0000-0000-0000-000000000001"; 100].join(",");
    for query in [
        format!("name={long}"),
        format!("name_like={long}"),
        format!("taskId_in={ids}"),
    ] {
        read(&query).unwrap();
    }
    for (query, words) in [
        (format!("name={long}x"), "name: a text of 1001 characters"),
        (format!("name_in=a,{long}x"), "name_in: a text of 1001 characters"),
        (format!("taskId_in={ids},{ids}"), "taskId_in: 200 values"),
    ] {
        let error = read(&query).unwrap_err();
        assert!(error.contains(words) && error.contains("at most"), "{error}");
    }
}

#[test]
fn sorting_takes_a_field_in_both_spellings_and_a_direction_in_any_case() {
    let ascending = SortOrder::Ascending;
    let descending = SortOrder::Descending;
    for (query, expected) in [
        ("_sort=name", Order::Name(ascending)),
        ("_sort=queuedAt&_order=desc", Order::QueuedAt(descending)),
        ("_order=DESC&_sort=queued_at", Order::QueuedAt(descending)),
        ("_order=DESC", Order::Name(descending)),
    ] {
        assert_eq!(read(query).unwrap().1, expected, "{query}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_value_and_what_is_allowed() {
    for (query, words) in [
        ("_start=5&_end=5", "_start is 5 and _end is 5"),
        ("_start=9&_end=5", "_end must be greater"),
        ("_start=0&_end=101", "at most 100"),
        ("_end=0", "_end must be greater"),
        ("page=0", "page is \"0\""),
        ("limit=0", "limit is \"0\""),
        ("limit=101", "limit is 101"),
        ("limit=ten", "limit is \"ten\""),
        ("page=-1", "page is \"-1\""),
        ("page=%2B1", "page is \"+1\""),
        ("page=1.5", "whole number"),
        ("_start=", "_start is \"\""),
        // What loses is checked all the same.
        ("_start=0&_end=5&page=0", "page is \"0\""),
        ("page=99999999999999999999", "page is"),
        ("page=18446744073709551615&limit=100", "no list is so long"),
        ("_start=18446744073709551615", "_end must be greater"),
        ("_start=9223372036854775807", "no list is so long"),
        ("_order=up", "_order is \"up\""),
        ("_sort=colour", "can be sorted by name, queuedAt"),
        ("colour=blue", "colour is no parameter"),
        ("Name=a", "Name is no parameter"),
        ("name_gte=a", "name_gte is no parameter"),
        ("isEnabled_ne=true", "isEnabled_ne is no parameter"),
        ("taskId_like=0", "taskId_like is no parameter"),
        ("durationMs=1", "durationMs is no parameter"),
        ("attempts=-1", "attempts: \"-1\" is not allowed"),
        ("attempts=9223372036854775808", "whole number"),
        ("durationMs_gte=1.5", "durationMs_gte: \"1.5\""),
        ("durationMs_lte=9223372036854775808", "whole number"),
        ("taskId=7", "taskId: \"7\" is not an id"),
        ("is_enabled=1", "is_enabled: \"1\""),
        (
            "status_in=QUEUED,DONE",
            "status_in: \"DONE\" is not a job status: it is one of QUEUED",
        ),
        ("status_ne=", "status_ne: \"\""),
        ("queuedAt_gte=yesterday", "queuedAt_gte: \"yesterday\""),
        ("name=a&name=b", "name is given twice"),
        ("isEnabled=true&is_enabled=false", "is_enabled is given twice"),
        ("limit=1&limit=2", "limit is given twice"),
    ] {
        let error = read(query).unwrap_err();
        assert!(error.contains(words), "{query}: {error}");
    }
}

#[test]
fn the_parameters_of_the_document_are_those_that_are_understood() {
    let documented: Vec<String> = parameters::of(&OFFER)
        .iter()
        .map(|parameter| parameter.name.clone())
        .collect();
    for field in OFFER.fields {
        for comparison in Comparison::ALL {
            let name = field.parameter(comparison);
            let refused = read(&format!("{name}=")).is_err_and(|error| error.contains("is no parameter"));
            assert_eq!(documented.contains(&name), !refused, "{name}");
        }
    }
}

proptest! {
    #[test]
    fn no_query_is_a_panic_or_more_than_a_page(query in "[ -~]{0,60}") {
        if let Ok((_, _, page)) = parse(&OFFER, &query) {
            prop_assert!((1..=100).contains(&page.limit()));
        }
    }

    #[test]
    fn any_numbers_make_a_page_or_a_refusal(
        key in "(_start|_end|page|limit)",
        other in "(_start|_end|page|limit)",
        first in any::<u64>(),
        second in 0_u64..300,
    ) {
        if let Ok((_, _, page)) = parse(&OFFER, &format!("{key}={first}&{other}={second}")) {
            prop_assert!((1..=100).contains(&page.limit()));
            prop_assert!(i64::try_from(page.offset() + page.limit()).is_ok());
        }
    }

    #[test]
    fn the_pages_of_a_list_lie_side_by_side(number in 1_u64..1_000_000, limit in 1_u64..=100) {
        let (offset, rows) = page(&format!("page={number}&limit={limit}"));
        let next = page(&format!("page={}&limit={limit}", number + 1));
        prop_assert_eq!((offset + rows, rows), next);
        prop_assert_eq!(page(&format!("_start={offset}&_end={}", offset + rows)), (offset, rows));
    }

    #[test]
    fn a_text_arrives_as_it_was_sent(text in any::<String>()) {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("name", &text)
            .finish();
        match parse(&OFFER, &query) {
            Ok((filter, ..)) => prop_assert_eq!(
                filter.conditions(),
                [Wanted::Name(TextMatch::Choice(Choice::Is(text)))]
            ),
            Err(error) => prop_assert!(text.chars().count() > 1_000, "{}", error),
        }
    }
}
