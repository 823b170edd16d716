use std::any::Any;
use std::error::Error;

/// An error and all its causes in one line, to be kept in a row.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    storable(text)
}

/// What a panic said.
pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    match message {
        Some(message) => storable(format!("panicked: {message}")),
        None => "panicked without a message".to_owned(),
    }
}

/// A text without NUL, which not every database can keep. Who reads the reason loses nothing, and a reason that could
/// not be stored would stand in the way of the outcome that it explains.
pub(crate) fn storable(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::DeliveryError;

    use super::*;

    #[test]
    fn an_error_is_told_with_its_causes() {
        let error = DeliveryError::Write {
            destination: "stdout".to_owned(),
            source: std::io::Error::other("full\0up"),
        };
        assert_eq!(
            with_causes(&error),
            "the result could not be written to stdout: full\u{fffd}up"
        );
    }

    #[test]
    fn a_panic_is_told_whatever_its_payload() {
        assert_eq!(of_panic(&"oh"), "panicked: oh");
        assert_eq!(of_panic(&"dear".to_owned()), "panicked: dear");
        assert_eq!(of_panic(&7_u8), "panicked without a message");
    }
}
