use serde_json::Value;

/// The units, which count in 1024s whatever their spelling.
const UNITS: [(&str, u32); 13] = [
    ("", 0),
    ("b", 0),
    ("k", 10),
    ("kb", 10),
    ("kib", 10),
    ("m", 20),
    ("mb", 20),
    ("mib", 20),
    ("g", 30),
    ("gb", 30),
    ("gib", 30),
    ("t", 40),
    ("tib", 40),
];
const LEAST: u64 = 1 << 20;
const MOST: u64 = 1 << 40;
const RULE: &str = "allowed is a number of bytes or a text such as \"64MB\", 1MB through 1024GB";

/// How much memory a number of bytes or a text such as `64MB` means.
pub(super) fn memory_size(value: &Value) -> Result<u64, String> {
    let bytes = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => parse(text),
        _ => None,
    };
    bytes
        .filter(|bytes| (LEAST..=MOST).contains(bytes))
        .ok_or_else(|| RULE.to_owned())
}

fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim().to_ascii_lowercase();
    let (_, power) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(1 << power)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_size_is_a_number_of_bytes_or_has_a_unit() {
        for (value, bytes) in [
            (json!(67_108_864), 64 << 20),
            (json!("64MB"), 64 << 20),
            (json!(" 64 MiB "), 64 << 20),
            (json!("64m"), 64 << 20),
            (json!("1g"), 1 << 30),
            (json!("1048576"), 1 << 20),
            (json!("2048kb"), 2 << 20),
        ] {
            assert_eq!(memory_size(&value), Ok(bytes), "{value}");
        }
    }

    #[test]
    fn what_is_no_size_or_too_small_or_too_large_is_refused() {
        for value in [
            json!(0),
            json!(-1),
            json!(1.5e7),
            json!(true),
            json!(""),
            json!("MB"),
            json!("64XB"),
            json!("1.5GB"),
            json!("1023kb"),
            json!("2t"),
            json!("99999999999999999999999"),
            json!("18446744073709551615g"),
            json!("64МB"),
        ] {
            assert!(memory_size(&value).is_err(), "{value}");
        }
    }
}
