mod schema;

use std::borrow::Cow;

use ratchet_interfaces::{OutputDelivery, OutputDestination, OutputTarget, Secret};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::error::ApiError;

const MOST: usize = 10;

/// A destination, as it goes over the wire: its secrets come in, and never go out.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Destination(pub(crate) OutputDestination);

impl Serialize for Destination {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.masked().serialize(serializer)
    }
}

impl PartialSchema for Destination {
    fn schema() -> RefOr<Schema> {
        schema::OutputDestination::schema()
    }
}

impl ToSchema for Destination {
    fn name() -> Cow<'static, str> {
        schema::OutputDestination::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schema::OutputDestination::schemas(schemas);
    }
}

/// The destinations that somebody gave, if results can be brought to each.
pub(crate) fn checked(
    given: Vec<Destination>,
    output: &dyn OutputDelivery,
) -> Result<Vec<OutputDestination>, ApiError> {
    if !(1..=MOST).contains(&given.len()) {
        let rule = format!(
            "there are {} of them: 1 to {MOST} are allowed; leave the field out, or send null, for none",
            given.len()
        );
        return Err(ApiError::invalid("outputDestinations", rule));
    }
    for (place, Destination(destination)) in given.iter().enumerate() {
        let field = format!("outputDestinations[{place}]");
        if holds_a_mask(destination) {
            let rule = format!(
                "a secret is \"{}\", which stands for one in answers: send the secret itself",
                Secret::MASK
            );
            return Err(ApiError::invalid(&field, rule));
        }
        if let Some(wrong) = output.check(destination) {
            return Err(ApiError::invalid(&field, wrong));
        }
    }
    Ok(given
        .into_iter()
        .map(|Destination(destination)| destination)
        .collect())
}

/// Whether it was taken from an answer, and its secrets with it.
fn holds_a_mask(destination: &OutputDestination) -> bool {
    match &destination.target {
        OutputTarget::Webhook { webhook } => {
            webhook.secrets().contains(&Secret::MASK) || webhook.url.contains(Secret::MASK)
        }
        OutputTarget::Stdio { .. } | OutputTarget::Filesystem { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::MockOutputDelivery;
    use serde_json::{Value, json};

    use super::*;

    fn webhook(token: &str) -> Value {
        json!({"destinationType": "webhook", "webhook": {
            "url": "https://example.org/hook",
            "authentication": {"authType": "bearer", "bearer": {"token": token}},
        }})
    }

    fn read(json: Value) -> Destination {
        serde_json::from_value(json).unwrap()
    }

    fn checked_by(wrong: Option<&'static str>, given: Vec<Destination>) -> Result<usize, String> {
        let mut output = MockOutputDelivery::new();
        output.expect_check().returning(move |_| wrong.map(str::to_owned));
        checked(given, &output)
            .map(|destinations| destinations.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn secrets_are_kept_and_never_shown() {
        let destination = read(webhook("s3cret"));
        let shown = serde_json::to_value(&destination).unwrap();
        assert_eq!(
            shown["webhook"]["authentication"]["bearer"]["token"],
            Secret::MASK
        );
        let OutputTarget::Webhook { webhook } = destination.0.target else {
            panic!("no webhook");
        };
        assert_eq!(webhook.secrets(), ["s3cret"]);
    }

    #[test]
    fn a_mask_is_not_taken_for_a_secret() {
        let error = checked_by(None, vec![read(webhook("a")), read(webhook(Secret::MASK))]).unwrap_err();
        assert!(error.starts_with("outputDestinations[1]: a secret is"), "{error}");
        let shown = read(json!({"destinationType": "webhook", "webhook": {
            "url": format!("https://example.org/hook?token={}", Secret::MASK),
        }}));
        let error = checked_by(None, vec![shown]).unwrap_err();
        assert!(error.starts_with("outputDestinations[0]: a secret is"), "{error}");
    }

    #[test]
    fn there_are_one_to_ten_and_each_is_checked() {
        let destinations = |count| vec![read(webhook("a")); count];
        assert_eq!(checked_by(None, destinations(10)), Ok(10));
        for count in [0, 11] {
            assert!(
                checked_by(None, destinations(count))
                    .unwrap_err()
                    .contains("1 to 10")
            );
        }
        let error = checked_by(Some("webhook.url is wrong"), destinations(1)).unwrap_err();
        assert_eq!(error, "outputDestinations[0]: webhook.url is wrong");
    }
}
