//! Zone names, and the help for those who misspell them.

use ratchet_recurrence::Zone;

fn nearest(text: &str) -> Vec<String> {
    text.parse::<Zone>().unwrap_err().nearest
}

#[test]
fn a_zone_prints_the_name_it_was_parsed_from() {
    for name in [
        "Europe/Berlin",
        "America/Argentina/Buenos_Aires",
        "UTC",
        "US/Eastern",
    ] {
        assert_eq!(name.parse::<Zone>().unwrap().to_string(), name);
    }
    assert_eq!("UTC".parse(), Ok(Zone::UTC));
    assert_eq!(
        Zone::from(chrono_tz::Tz::Europe__Berlin).tz().name(),
        "Europe/Berlin"
    );
}

#[test]
fn a_misspelt_zone_is_answered_with_the_nearest_names() {
    assert_eq!(nearest("berlin"), ["Europe/Berlin"]);
    assert_eq!(nearest("europe/berlin"), ["Europe/Berlin"]);
    assert_eq!(nearest("Europe/Brelin"), ["Europe/Berlin"]);
    assert_eq!(nearest("Amrica/New_Yrok"), ["America/New_York"]);
    assert_eq!(nearest("new york"), ["America/New_York"]);
    assert_eq!(nearest("Tokio"), ["Asia/Tokyo"]);
    assert_eq!(nearest("Europe/Tokyo")[0], "Asia/Tokyo");
    assert_eq!(nearest("utc")[0], "UTC");
}

#[test]
fn a_name_like_no_zone_is_answered_with_examples() {
    for text in ["", "nonsense", &"x".repeat(10_000)] {
        let refused = text.parse::<Zone>().unwrap_err();
        assert!(refused.nearest.is_empty(), "{refused}");
        assert!(refused.to_string().contains("Europe/Berlin"));
        assert!(refused.to_string().len() < 300);
    }
}

#[test]
fn the_message_names_the_text_and_the_suggestion() {
    let refused = "berlin".parse::<Zone>().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "\"berlin\" is not a time zone; did you mean Europe/Berlin?"
    );
}

#[test]
fn the_database_version_is_a_year_and_a_letter() {
    let version = Zone::database_version();
    assert!(
        version[..4].parse::<u16>().unwrap() >= 2025 && version.len() == 5,
        "{version}"
    );
}
