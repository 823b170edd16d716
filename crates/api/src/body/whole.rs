//! Whole numbers as JSON has them: `30.0` is one, and the same as `30`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IntoDeserializer, Visitor};
use serde::{Deserialize, Deserializer};

/// Beyond it, not every whole number is a floating-point number.
const LARGEST: f64 = 9_007_199_254_740_992.0;

struct Whole<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Number(PhantomData)).map(Self)
    }
}

struct Number<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Number<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number")
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<T, E> {
        T::deserialize(value.into_deserializer())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<T, E> {
        T::deserialize(value.into_deserializer())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<T, E> {
        if value.fract() == 0.0 && value.abs() <= LARGEST {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
            let whole = value as i64;
            self.visit_i64(whole)
        } else {
            T::deserialize(value.into_deserializer())
        }
    }
}

/// For a whole number.
pub(crate) fn whole<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Whole::deserialize(deserializer).map(|Whole(number)| number)
}

/// For a whole number that may be null.
pub(crate) fn whole_or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let number: Option<Whole<T>> = Option::deserialize(deserializer)?;
    Ok(number.map(|Whole(number)| number))
}

/// For a whole number that may be left out, but not be null.
pub(crate) fn present_whole<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    whole(deserializer).map(Some)
}

/// For a whole number that may be left out, and means another thing when it is null.
#[expect(
    clippy::option_option,
    reason = "left out, null, and a value are three things"
)]
pub(crate) fn nullable_whole<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    whole_or_null(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[serde(default, deserialize_with = "nullable_whole")]
        count: Option<Option<u32>>,
        #[serde(default, deserialize_with = "present_whole")]
        limit: Option<u32>,
    }

    fn read(text: &str) -> Result<Sample, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_number_without_a_fraction_is_whole_however_it_is_written() {
        for (text, count) in [
            ("{\"count\": 30}", Some(Some(30))),
            ("{\"count\": 30.0}", Some(Some(30))),
            ("{\"count\": 3e1}", Some(Some(30))),
            ("{\"count\": null}", Some(None)),
            ("{}", None),
        ] {
            assert_eq!(read(text).unwrap().count, count, "{text}");
        }
        assert_eq!(read("{\"limit\": 7.0}").unwrap().limit, Some(7));
    }

    #[test]
    fn what_is_no_whole_number_in_the_range_is_refused_with_what_it_is() {
        for (value, words) in [
            (json!(0.5), "floating point `0.5`, expected u32"),
            (json!(-1), "integer `-1`, expected u32"),
            (json!(-1.0), "integer `-1`, expected u32"),
            (json!(1e300), "expected u32"),
            (json!(4_294_967_296_u64), "integer `4294967296`, expected u32"),
            (json!("7"), "string \"7\", expected a whole number"),
            (json!([]), "expected a whole number"),
        ] {
            let error = read(&json!({ "count": value }).to_string()).unwrap_err();
            assert!(error.contains(words), "{value}: {error}");
        }
        assert!(read("{\"limit\": null}").is_err());
    }
}
