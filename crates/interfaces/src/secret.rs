use std::fmt;

use serde::{Deserialize, Serialize};

/// A text that must not be seen: a password, a token, a key. It is stored as it is, and shown nowhere: `Debug` prints
/// its mask, there is no `Display`, and what goes to users is [`Secret::masked`].
///
/// ```
/// use ratchet_interfaces::Secret;
/// let secret = Secret::new("hunter2");
/// assert_eq!(format!("{secret:?}"), "********");
/// assert_eq!(secret.expose(), "hunter2");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// What stands for a secret wherever it is shown.
    pub const MASK: &'static str = "********";

    /// A secret with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for whoever must send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The mask in its place.
    #[must_use]
    pub fn masked(&self) -> Self {
        Self::new(Self::MASK)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::MASK)
    }
}
