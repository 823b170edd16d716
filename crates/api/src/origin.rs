use std::fmt;
use std::str::FromStr;

use axum::http::{HeaderValue, Uri};

/// Where a page comes from: `https://host` or `https://host:port`.
///
/// ```
/// use ratchet_api::Origin;
/// let origin: Origin = "https://Jobs.example.org".parse()?;
/// assert_eq!(origin.to_string(), "https://jobs.example.org");
/// assert!("https://jobs.example.org/app".parse::<Origin>().is_err());
/// assert!("*".parse::<Origin>().is_err());
/// # Ok::<(), ratchet_api::OriginError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// A text that is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no origin: allowed is as in https://jobs.example.org or http://localhost:3000")]
pub struct OriginError(String);

impl Origin {
    /// As a browser sends it.
    pub(crate) const fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let refused = || OriginError(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| refused())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refused());
        };
        let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
        // Browsers send nothing behind the port, and nobody's name before the host.
        let is_whole = origin == text.to_ascii_lowercase() && !authority.as_str().contains(['@', '*']);
        if !is_whole || !matches!(scheme, "http" | "https") {
            return Err(refused());
        }
        HeaderValue::try_from(origin).map(Self).map_err(|_| refused())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_scheme_and_a_host_with_or_without_a_port_are_an_origin() {
        for origin in ["https://a.example", "http://localhost:3000", "http://[::1]:3000"] {
            assert_eq!(origin.parse::<Origin>().unwrap().to_string(), origin);
        }
        for other in [
            "",
            "*",
            "null",
            "a.example",
            "https://",
            "https://a.example/",
            "https://a.example/b",
            "https://me@a.example",
            "ftp://a.example",
            "https://*.example",
            "https://a.example https://b.example",
        ] {
            assert!(other.parse::<Origin>().is_err(), "{other}");
        }
    }
}
