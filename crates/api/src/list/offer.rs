use ratchet_interfaces::SortOrder;

use crate::list::filter::{AnyField, snake_case};

/// What a list can be filtered and sorted by.
pub(crate) struct Offer<C: 'static, S: 'static> {
    pub(crate) fields: &'static [&'static dyn AnyField<C>],
    /// The first is that of the order of a list of which none is asked for.
    pub(crate) sorts: &'static [Sort<S>],
    /// The order of a list of which none is asked for, in words, for the document.
    pub(crate) default_order: &'static str,
}

/// What a list can be sorted by.
pub(crate) struct Sort<S> {
    /// The field, in camelCase.
    pub(crate) field: &'static str,
    pub(crate) sort: fn(SortOrder) -> S,
}

impl<S> Sort<S> {
    pub(crate) const fn by(field: &'static str, sort: fn(SortOrder) -> S) -> Self {
        Self { field, sort }
    }

    pub(crate) fn answers_to(&self, name: &str) -> bool {
        name == self.field || name == snake_case(self.field)
    }
}
