use serde::de::Error;
use serde_json::Value;

/// Checks the tag of an enumeration that is written as an object with it. What serde derives takes a number as well, for
/// the place of a variant, which nobody means.
pub(crate) fn check_tag<E: Error>(object: &Value, tag: &str) -> Result<(), E> {
    match object.get(tag) {
        None | Some(Value::String(_)) => Ok(()),
        Some(other) => Err(E::custom(format!("{tag} is {other}: it is a text"))),
    }
}

/// Reads and writes an enumeration as serde derives it with `remote = "Self"`, but that its tag is a text.
macro_rules! tagged_by_text {
    ($type:ty, $tag:literal) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let object = <serde_json::Value as serde::Deserialize>::deserialize(deserializer)?;
                crate::tag::check_tag::<D::Error>(&object, $tag)?;
                // What serde has derived, which is not the trait's.
                Self::deserialize(object).map_err(serde::de::Error::custom)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }
    };
}

pub(crate) use tagged_by_text;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Backoff, OutputDestination, WebhookAuthentication};

    #[test]
    fn a_number_is_no_name_of_a_variant() {
        let refused = |error: serde_json::Error, tag: &str| {
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("{tag} is 0: it is a text")),
                "{error}"
            );
        };
        let bearer = json!({"authType": 0, "bearer": {"token": "t"}});
        refused(
            serde_json::from_value::<WebhookAuthentication>(bearer).unwrap_err(),
            "authType",
        );
        let stdio = json!({"destinationType": 0, "stdio": {}});
        refused(
            serde_json::from_value::<OutputDestination>(stdio).unwrap_err(),
            "destinationType",
        );
        let backoff = json!({"type": 0});
        refused(serde_json::from_value::<Backoff>(backoff).unwrap_err(), "type");
    }

    #[test]
    fn a_name_is_read_and_a_tag_that_is_missing_is_named() {
        for value in [
            json!({"authType": "bearer", "bearer": {"token": "t"}}),
            json!({"authType": "basic", "basic": {"username": "me", "password": "p"}}),
        ] {
            let read: WebhookAuthentication = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), value);
        }
        let missing = serde_json::from_value::<WebhookAuthentication>(json!({})).unwrap_err();
        assert!(missing.to_string().contains("authType"), "{missing}");
    }
}
