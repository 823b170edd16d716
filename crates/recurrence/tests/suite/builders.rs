//! Specifications that a program puts together.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc, Weekday};
use ratchet_recurrence::{Gap, Overlap, Part, Specification, Zone};

use crate::{at, read};

#[test]
fn programs_build_what_people_write() {
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let built = Specification::builder(Zone::UTC)
        .cron("0 9 * * *")
        .every(Duration::from_secs(5400))
        .at([at("2026-03-01T09:00:00Z")])
        .except_date(date("2026-05-01"))
        .except_dates(date("2026-12-24"), date("2026-12-26"))
        .except_weekly((Weekday::Fri, time(18)), (Weekday::Mon, time(6)))
        .except_cron("0 12 * * *")
        .starting(at("2026-01-01T00:00:00Z"))
        .ending(at("2027-01-01T00:00:00Z"))
        .gap(Gap::Skip)
        .overlap(Overlap::OnceLast)
        .build()
        .unwrap();
    assert_eq!(
        built.to_string(),
        "0 9 * * *; every 1h30m; at 2026-03-01T09:00:00Z; except 2026-05-01, 2026-12-24..2026-12-26, \
         fri 18:00-mon 06:00; except cron 0 12 * * *; starting 2026-01-01T00:00:00Z; \
         ending 2027-01-01T00:00:00Z; gap skip; overlap once_last"
    );
    assert_eq!(read(&built.to_string()), built);
}

#[test]
fn a_program_is_refused_what_no_text_could_say() {
    let builder = || Specification::builder(Zone::UTC).cron("0 9 * * *");
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let day = (Weekday::Fri, NaiveTime::MIN);
    let fraction = at("2026-01-01T00:00:00.5Z");
    let refused = [
        (builder().every(Duration::ZERO), Part::Every),
        (builder().every(Duration::from_millis(1500)), Part::Every),
        (builder().every(Duration::MAX), Part::Every),
        (
            builder().every_from(Duration::from_secs(1), fraction),
            Part::Every,
        ),
        (
            builder().every_from(Duration::from_secs(1), DateTime::<Utc>::MIN_UTC),
            Part::Every,
        ),
        (builder().at([DateTime::<Utc>::MAX_UTC]), Part::At),
        (
            builder().except_dates(date("2026-01-02"), date("2026-01-01")),
            Part::Except,
        ),
        (builder().except_date(NaiveDate::MIN), Part::Except),
        (builder().except_date(NaiveDate::MAX), Part::Except),
        (builder().except_weekly(day, day), Part::Except),
        (builder().except_cron("x"), Part::Except),
        (builder().cron("x").starting(fraction), Part::Cron),
        (builder().starting(fraction), Part::Starting),
        (builder().ending(DateTime::<Utc>::MAX_UTC), Part::Ending),
    ];
    for (builder, part) in refused {
        let error = builder.build().unwrap_err();
        assert_eq!(error.part, part, "{error}");
        assert_eq!(error.at, None);
    }
}
