use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What keeps the loops of a part from doing their work, each under the loop's name.
#[derive(Clone, Default)]
pub(crate) struct Stalls(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Stalls {
    /// Sets what stalls a loop, or what it is by now.
    pub(crate) fn begin(&self, of: &'static str, reason: String) {
        self.all().insert(of, reason);
    }

    pub(crate) fn end(&self, of: &'static str) {
        self.all().remove(of);
    }

    pub(crate) fn clear(&self) {
        self.all().clear();
    }

    /// All of it in one line, if anything stalls.
    pub(crate) fn tell(&self) -> Option<String> {
        let all = self.all();
        let reasons: Vec<&str> = all.values().map(String::as_str).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        // The map is whole after every statement that changes it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
