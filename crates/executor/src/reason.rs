use std::any::Any;

/// What a panic said.
pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    match message {
        Some(message) => format!("panicked: {message}"),
        None => "panicked without a message".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_whatever_its_payload() {
        assert_eq!(of_panic(&"oh"), "panicked: oh");
        assert_eq!(of_panic(&"dear".to_owned()), "panicked: dear");
        assert_eq!(of_panic(&7_u8), "panicked without a message");
    }
}
