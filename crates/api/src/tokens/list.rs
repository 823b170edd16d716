use ratchet_interfaces::{Scope, TokenFilter};

use crate::list::{Filter, Listed, Offer, Setter};
use crate::named::Named;

/// The list of tokens.
#[derive(Debug)]
pub(super) struct Tokens;

impl Listed for Tokens {
    type Filter = TokenFilter;
    type Sort = ();
    const OFFER: Offer<TokenFilter, ()> = Offer {
        filters: &[
            Filter::is(
                "name",
                Setter::Text(|filter, name| filter.name = Some(name)),
                "With this name.",
            ),
            Filter::is(
                "scope",
                Setter::Name {
                    names: Scope::wire_names,
                    set: |filter, name| {
                        filter.scope = Some(Scope::of_wire_name(name)?);
                        Ok(())
                    },
                },
                "With this scope.",
            ),
            Filter::is(
                "revoked",
                Setter::Flag(|filter, revoked| filter.revoked = Some(revoked)),
                "Those that are revoked, or those that are not.",
            ),
        ],
        sorts: &[],
        default_order: "newest first",
    };
}
