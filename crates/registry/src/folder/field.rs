use serde_json::{Map, Value};

use super::Faults;

/// How much of a value an error shows.
const SHOWN: usize = 80;

/// A value as an error shows it.
pub(crate) fn told(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The known key that somebody may have meant by one that is not known.
pub(super) fn misspelt<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    // What other tools call it.
    const MEANT: [(&str, &str); 7] = [
        ("timeoutseconds", "timeout"),
        ("timeoutms", "timeout"),
        ("memory", "memory_limit"),
        ("maxmemory", "memory_limit"),
        ("retries", "retry"),
        ("maxretries", "retry"),
        ("maxconcurrent", "concurrency"),
    ];
    let plain = |text: &str| text.replace(['_', '-', ' '], "").to_lowercase();
    let written = plain(key);
    known
        .iter()
        .find(|name| strsim::osa_distance(&written, &plain(name)) * 4 <= name.len())
        .or_else(|| {
            let (_, meant) = MEANT.iter().find(|(word, _)| *word == written)?;
            known.iter().find(|name| *name == meant)
        })
        .copied()
}

/// The fields of an object in a file, taken one by one.
pub(super) struct Object<'a> {
    pub(super) file: &'a str,
    pub(super) fields: Map<String, Value>,
    pub(super) faults: &'a mut Faults,
}

impl Object<'_> {
    /// A field's value. A null is as good as nothing.
    pub(super) fn take(&mut self, field: &str) -> Option<Value> {
        self.fields.remove(field).filter(|value| !value.is_null())
    }

    pub(super) fn refuse(&mut self, field: &str, value: &Value, rule: impl AsRef<str>) {
        let message = format!("is {}: {}", told(value), rule.as_ref());
        self.faults.field(self.file, field, message);
    }

    pub(super) fn missing(&mut self, field: &str, rule: &str) {
        self.faults.field(self.file, field, format!("is missing: {rule}"));
    }

    /// A value that is read by `read`, which says what is allowed where it cannot.
    pub(super) fn read<T>(
        &mut self,
        field: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.take(field)?;
        match read(&value) {
            Ok(read) => Some(read),
            Err(rule) => {
                self.refuse(field, &value, rule);
                None
            }
        }
    }

    pub(super) fn text(&mut self, field: &str, most: usize) -> Option<String> {
        self.read(field, |value| {
            let rule = format!("a text of 1 through {most} characters is allowed");
            let text = value.as_str().filter(|text| !text.trim().is_empty());
            text.filter(|text| text.chars().count() <= most)
                .map(str::to_owned)
                .ok_or(rule)
        })
    }

    pub(super) fn flag(&mut self, field: &str) -> Option<bool> {
        self.read(field, |value| {
            value
                .as_bool()
                .ok_or_else(|| "true and false are allowed".to_owned())
        })
    }
}

/// A whole number within bounds.
pub(super) fn whole_number(value: &Value, least: u32, most: u32, what: &str) -> Result<u32, String> {
    value
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("allowed is a whole number, {least} through {most}{what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_typing_error_is_told_from_another_word() {
        let known = ["name", "timeout", "memory_limit", "tags", "retry", "concurrency"];
        for (written, meant) in [
            ("nmae", Some("name")),
            ("Timeout", Some("timeout")),
            ("timeuot", Some("timeout")),
            ("timeout-seconds", Some("timeout")),
            ("memoryLimit", Some("memory_limit")),
            ("tag", Some("tags")),
            ("max_retries", Some("retry")),
            ("author", None),
            ("license", None),
            ("core", None),
            ("created_at", None),
        ] {
            assert_eq!(misspelt(written, &known), meant, "{written}");
        }
    }

    #[test]
    fn a_long_value_is_shown_by_its_beginning() {
        assert_eq!(told(&json!("short")), "\"short\"");
        assert_eq!(told(&json!("ä".repeat(500))).chars().count(), SHOWN + 1);
    }
}
