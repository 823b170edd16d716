use std::sync::{Mutex, PoisonError};

/// Why ticks cannot be made durable at this moment, if they cannot.
#[derive(Default)]
pub(crate) struct Stall(Mutex<Option<String>>);

impl Stall {
    pub(crate) fn reason(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the reason; says whether there was none before.
    pub(crate) fn begin(&self, reason: String) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(reason)
            .is_none()
    }

    /// Clears the reason; says whether there was one.
    pub(crate) fn end(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .is_some()
    }
}
