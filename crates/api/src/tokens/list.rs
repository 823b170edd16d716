use ratchet_interfaces::TokenCondition;

use crate::list::{Listed, Offer, field};

/// The list of tokens.
#[derive(Debug)]
pub(super) struct Tokens;

impl Listed for Tokens {
    type Condition = TokenCondition;
    type Sort = ();
    const OFFER: Offer<TokenCondition, ()> = Offer {
        fields: &[
            &field("id", TokenCondition::Id, "The id"),
            &field("name", TokenCondition::Name, "The name"),
            &field("scope", TokenCondition::Scope, "What it may be used for"),
            &field("revoked", TokenCondition::Revoked, "Whether it is revoked"),
            &field("createdAt", TokenCondition::CreatedAt, "When it was made"),
        ],
        sorts: &[],
        default_order: "newest first",
    };
}
