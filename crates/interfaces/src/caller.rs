use std::str::FromStr;

/// Who asks, as traces know it: the span that a request comes from, in the W3C's header `traceparent`.
///
/// ```
/// use ratchet_interfaces::Caller;
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// assert!(header.parse::<Caller>()?.sampled);
/// # Ok::<(), ratchet_interfaces::CallerError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The span in it.
    pub span_id: [u8; 8],
    /// Whether the trace is recorded.
    pub sampled: bool,
}

/// A header that tells of no span. What it stands in is to be read as if it had none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a traceparent such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
pub struct CallerError;

impl FromStr for Caller {
    type Err = CallerError;

    /// Reads a header. One of a later version may have more fields.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let mut next = || parts.next().ok_or(CallerError);
        let [version] = bytes(next()?)?;
        let (trace_id, span_id) = (bytes(next()?)?, bytes(next()?)?);
        let [flags] = bytes(next()?)?;
        let has_more = parts.next().is_some();
        if version == 0xff || (version == 0 && has_more) || trace_id == [0; 16] || span_id == [0; 8] {
            return Err(CallerError);
        }
        Ok(Self {
            trace_id,
            span_id,
            sampled: flags & 1 == 1,
        })
    }
}

/// Lower-case hexadecimal digits.
fn bytes<const N: usize>(text: &str) -> Result<[u8; N], CallerError> {
    let is_digit = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
    if text.len() != 2 * N || !text.bytes().all(is_digit) {
        return Err(CallerError);
    }
    let mut bytes = [0; N];
    for (place, byte) in bytes.iter_mut().enumerate() {
        let digits = &text[2 * place..2 * place + 2];
        *byte = u8::from_str_radix(digits, 16).map_err(|_| CallerError)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_rule_of_the_header_is_none() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let read = |text: String| text.parse::<Caller>();
        assert!(!read(format!("00-{trace}-{span}-00")).unwrap().sampled);
        assert!(read(format!("01-{trace}-{span}-01-more")).is_ok());
        for wrong in [
            String::new(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-01-more"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}é-{span}-01"),
            format!("0-{trace}-{span}-01"),
        ] {
            assert_eq!(read(wrong.clone()), Err(CallerError), "{wrong}");
        }
    }
}
