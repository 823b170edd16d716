use chrono::{DateTime, Utc};
use proptest::prelude::*;
use ratchet_interfaces::{JobStatus, TaskId};

use super::*;
use crate::list::filter::{Filter, Setter};
use crate::list::parameters;
use crate::named::Named;

#[derive(Debug, Default, PartialEq)]
struct Wanted {
    task_id: Option<TaskId>,
    name: Option<String>,
    name_contains: Option<String>,
    not: Option<JobStatus>,
    statuses: Vec<JobStatus>,
    enabled: Option<bool>,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

#[derive(Debug, Default, PartialEq)]
enum Order {
    #[default]
    None,
    Name(SortOrder),
    QueuedAt(SortOrder),
}

const OFFER: Offer<Wanted, Order> = Offer {
    filters: &[
        Filter::is(
            "taskId",
            Setter::Id(|wanted, id| wanted.task_id = Some(id.into())),
            "",
        ),
        Filter::is("name", Setter::Text(|wanted, name| wanted.name = Some(name)), ""),
        Filter::like(
            "name",
            Setter::Text(|wanted, part| wanted.name_contains = Some(part)),
            "",
        ),
        Filter::not(
            "status",
            Setter::Name {
                names: JobStatus::wire_names,
                set: |wanted, name| {
                    wanted.not = Some(JobStatus::of_wire_name(name)?);
                    Ok(())
                },
            },
            "",
        ),
        Filter::one_of(
            "status",
            Setter::Name {
                names: JobStatus::wire_names,
                set: |wanted, name| {
                    wanted.statuses.push(JobStatus::of_wire_name(name)?);
                    Ok(())
                },
            },
            "",
        ),
        Filter::is(
            "isEnabled",
            Setter::Flag(|wanted, enabled| wanted.enabled = Some(enabled)),
            "",
        ),
        Filter::at_least(
            "queuedAt",
            Setter::Instant(|wanted, instant| wanted.from = Some(instant)),
            "",
        ),
        Filter::at_most(
            "queuedAt",
            Setter::Instant(|wanted, instant| wanted.until = Some(instant)),
            "",
        ),
    ],
    sorts: &[
        Sort::by("name", Order::Name),
        Sort::by("queuedAt", Order::QueuedAt),
    ],
    default_order: "by nothing",
};

fn read(query: &str) -> Result<(Wanted, Order, PageRequest), String> {
    parse(&OFFER, query).map_err(|error| {
        assert_eq!(error.status().as_u16(), 400, "{error}");
        error.to_string()
    })
}

fn page(query: &str) -> (u64, u64) {
    let page = read(query).unwrap().2;
    (page.offset(), page.limit())
}

#[test]
fn an_empty_query_is_the_first_page_of_everything() {
    let (wanted, order, page) = read("").unwrap();
    assert_eq!((wanted, order), (Wanted::default(), Order::None));
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
fn each_filter_is_understood_in_both_spellings() {
    let id = "00000000-0000-0000-0000-000000000001";
    for (query, expected) in [
        (
            format!("taskId={id}"),
            Wanted {
                task_id: id.parse().ok(),
                ..Wanted::default()
            },
        ),
        (
            format!("task_id={id}"),
            Wanted {
                task_id: id.parse().ok(),
                ..Wanted::default()
            },
        ),
        (
            "name=a+b%26c".to_owned(),
            Wanted {
                name: Some("a b&c".to_owned()),
                ..Wanted::default()
            },
        ),
        (
            "name_like=night&is_enabled=TRUE".to_owned(),
            Wanted {
                name_contains: Some("night".to_owned()),
                enabled: Some(true),
                ..Wanted::default()
            },
        ),
        (
            "status_ne=Failed&status_in=queued,RETRYING".to_owned(),
            Wanted {
                not: Some(JobStatus::Failed),
                statuses: vec![JobStatus::Queued, JobStatus::Retrying],
                ..Wanted::default()
            },
        ),
        (
            "queued_at_gte=1970-01-01T00:00:00Z&queuedAt_lte=1970-01-01T01:00:00+01:00".to_owned(),
            Wanted {
                from: Some(DateTime::UNIX_EPOCH),
                until: Some(DateTime::UNIX_EPOCH),
                ..Wanted::default()
            },
        ),
    ] {
        assert_eq!(read(&query).unwrap().0, expected, "{query}");
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
        ("name_in=a", "name_in is no parameter"),
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
fn each_parameter_of_the_document_is_understood() {
    for parameter in parameters::of(&OFFER) {
        let name = &parameter.name;
        let value = match name.as_str() {
            "_start" => "0",
            "_end" | "page" | "limit" => "1",
            "_sort" => "name",
            "_order" => "DESC",
            "taskId" => "00000000-0000-0000-0000-000000000001",
            "isEnabled" => "true",
            name if name.starts_with("queuedAt") => "1970-01-01T00:00:00Z",
            name if name.starts_with("status") => "QUEUED",
            _ => "text",
        };
        read(&format!("{name}={value}")).unwrap_or_else(|error| panic!("{error}"));
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
        prop_assert_eq!(read(&query).unwrap().0.name, Some(text));
    }
}
