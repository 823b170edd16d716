//! Dates as people write them: `2026-12-24`, and nothing else that chrono would take.

use chrono::NaiveDate;

/// What a text that is written like a date stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WrittenDate {
    Of(NaiveDate),
    /// A day that its month does not have, or a month that no year has.
    NoSuch,
}

impl WrittenDate {
    /// `None` if the text is not written like a date.
    pub(crate) fn read(text: &str) -> Option<Self> {
        const SHAPE: &[u8] = b"0000-00-00";
        let alike = |(byte, shape): (u8, &u8)| {
            if *shape == b'-' {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        };
        if text.len() != SHAPE.len() || !text.bytes().zip(SHAPE).all(alike) {
            return None;
        }
        Some(text.parse().map_or(Self::NoSuch, Self::Of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_two_and_two_digits_are_a_date() {
        let leap = NaiveDate::from_ymd_opt(2028, 2, 29).unwrap();
        assert_eq!(WrittenDate::read("2028-02-29"), Some(WrittenDate::Of(leap)));
        for missing in [
            "2026-02-29",
            "2026-02-30",
            "2026-13-01",
            "2026-00-10",
            "2026-01-00",
        ] {
            assert_eq!(WrittenDate::read(missing), Some(WrittenDate::NoSuch), "{missing}");
        }
        for other in [
            "",
            "2026-2-30",
            "+2026-02-3",
            "2026-02-3x",
            "20260-2-01",
            "2026-02-011",
            "٢026-02-01",
        ] {
            assert_eq!(WrittenDate::read(other), None, "{other}");
        }
    }
}
