use serde_json::Value;

/// How many differences are told.
const MOST: usize = 20;
/// How much of a value is shown.
const SHOWN: usize = 200;

/// How a value differs from what was expected: a line a place. Empty when it does not; a number is the same whether it
/// has a fraction of 0 or none.
pub(super) fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", expected, actual, &mut lines);
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("… and {more} more differences"));
    }
    lines
}

fn compare(place: &str, expected: &Value, actual: &Value, lines: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(wanted), Value::Object(given)) => {
            for (key, expected) in wanted {
                let below = below(place, key);
                match given.get(key) {
                    Some(actual) => compare(&below, expected, actual, lines),
                    None => lines.push(format!(
                        "{below}: expected {}, and it is not there",
                        shown(expected)
                    )),
                }
            }
            for (key, actual) in given.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
                lines.push(format!(
                    "{}: {} is there, and not expected",
                    below(place, key),
                    shown(actual)
                ));
            }
        }
        (Value::Array(wanted), Value::Array(given)) => {
            for (index, (expected, actual)) in wanted.iter().zip(given).enumerate() {
                compare(&below(place, &index.to_string()), expected, actual, lines);
            }
            for (index, expected) in wanted.iter().enumerate().skip(given.len()) {
                lines.push(format!(
                    "{place}/{index}: expected {}, and it is not there",
                    shown(expected)
                ));
            }
            for (index, actual) in given.iter().enumerate().skip(wanted.len()) {
                lines.push(format!(
                    "{place}/{index}: {} is there, and not expected",
                    shown(actual)
                ));
            }
        }
        (Value::Number(wanted), Value::Number(given))
            if wanted == given || wanted.as_f64() == given.as_f64() => {}
        _ if expected == actual => {}
        _ => {
            let place = if place.is_empty() { "the output" } else { place };
            lines.push(format!(
                "{place}: expected {}, got {}",
                shown(expected),
                shown(actual)
            ));
        }
    }
}

/// The JSON pointer to a field.
fn below(place: &str, key: &str) -> String {
    format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_place_that_differs_is_a_line() {
        let expected = json!({"a": 1, "b": [1, 2, 3], "c": {"d/e": "x"}, "f": null, "same": 2});
        let actual = json!({"a": "1", "b": [1, 5], "c": {"d/e": "y"}, "g": true, "same": 2.0});
        assert_eq!(
            differences(&expected, &actual),
            [
                "/a: expected 1, got \"1\"",
                "/b/1: expected 2, got 5",
                "/b/2: expected 3, and it is not there",
                "/c/d~1e: expected \"x\", got \"y\"",
                "/f: expected null, and it is not there",
                "/g: true is there, and not expected",
            ]
        );
        assert_eq!(
            differences(&json!(1), &json!([1])),
            ["the output: expected 1, got [1]"]
        );
        assert_eq!(
            differences(&json!([]), &json!([7])),
            ["/0: 7 is there, and not expected"]
        );
        assert_eq!(differences(&actual, &actual), Vec::<String>::new());
    }

    #[test]
    fn what_is_much_or_long_is_cut() {
        let lines = differences(&json!(vec![0; 100]), &json!(vec!["x".repeat(1_000); 100]));
        assert_eq!(lines.len(), MOST + 1);
        assert_eq!(lines[MOST], "… and 80 more differences");
        assert!(lines[0].len() < 2 * SHOWN, "{}", lines[0]);
    }
}
