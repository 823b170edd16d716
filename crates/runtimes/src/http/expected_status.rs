use std::fmt;
use std::ops::RangeInclusive;

use serde_json::Value;

/// Which statuses are a success.
#[derive(Debug)]
pub(super) struct ExpectedStatus(Vec<RangeInclusive<u16>>);

impl Default for ExpectedStatus {
    /// Any that says so.
    fn default() -> Self {
        Self(vec![200..=299])
    }
}

impl ExpectedStatus {
    /// Reads a list of numbers, classes (`"2xx"`) and ranges (`"200-299"`).
    pub(super) fn parse(written: &[Value]) -> Result<Self, String> {
        if written.is_empty() {
            return Err("expected_status is []: at least one is needed".to_owned());
        }
        let range = |value: &Value| {
            range(value)
                .filter(|range| *range.start() >= 100 && *range.end() <= 599 && !range.is_empty())
                .ok_or_else(|| {
                    format!(
                        "expected_status has {value}: allowed are numbers from 100 to 599, classes such as \"2xx\" \
                         and ranges such as \"200-299\""
                    )
                })
        };
        written.iter().map(range).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn has(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl fmt::Display for ExpectedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.0.iter().enumerate() {
            let (start, end) = (range.start(), range.end());
            f.write_str(if at == 0 { "" } else { ", " })?;
            if start == end {
                write!(f, "{start}")?;
            } else {
                write!(f, "{start}-{end}")?;
            }
        }
        Ok(())
    }
}

fn range(value: &Value) -> Option<RangeInclusive<u16>> {
    if let Some(number) = value.as_u64() {
        let status = u16::try_from(number).ok()?;
        return Some(status..=status);
    }
    let text = value.as_str()?;
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
        return Some(class * 100..=class * 100 + 99);
    }
    match text.split_once('-') {
        Some((start, end)) => Some(start.parse().ok()?..=end.parse().ok()?),
        None => text.parse().ok().map(|status| status..=status),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(written: &Value) -> Result<ExpectedStatus, String> {
        ExpectedStatus::parse(written.as_array().unwrap())
    }

    #[test]
    fn numbers_classes_and_ranges_are_statuses() {
        let expected = parsed(&json!([200, "3xx", "404-406", "410"])).unwrap();
        for (status, is_expected) in [
            (200, true),
            (201, false),
            (300, true),
            (399, true),
            (403, false),
            (404, true),
            (406, true),
            (410, true),
            (500, false),
        ] {
            assert_eq!(expected.has(status), is_expected, "{status}");
        }
        assert_eq!(expected.to_string(), "200, 300-399, 404-406, 410");
        assert!(ExpectedStatus::default().has(204));
    }

    #[test]
    fn what_is_no_status_is_named() {
        for value in [
            json!(99),
            json!(600),
            json!("9xx"),
            json!("xx"),
            json!("300-200"),
            json!("ok"),
            json!(-1),
            json!(null),
        ] {
            let error = parsed(&json!([200, value])).unwrap_err();
            assert!(
                error.starts_with(&format!("expected_status has {value}: allowed are")),
                "{error}"
            );
        }
        assert!(
            parsed(&json!([]))
                .unwrap_err()
                .starts_with("expected_status is []")
        );
    }
}
