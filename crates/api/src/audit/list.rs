use ratchet_interfaces::AuditCondition;

use crate::list::{Listed, Offer, field};

/// The audit log.
#[derive(Debug)]
pub(super) struct AuditEntries;

impl Listed for AuditEntries {
    type Condition = AuditCondition;
    type Sort = ();
    const OFFER: Offer<AuditCondition, ()> = Offer {
        fields: &[
            &field("id", AuditCondition::Id, "The id"),
            &field(
                "actor",
                AuditCondition::Actor,
                "The name of the token; `local` is who needs none, `command line` a command on the database",
            ),
            &field("tokenId", AuditCondition::TokenId, "The token"),
            &field(
                "action",
                AuditCondition::Action,
                "The operation, as in `jobs_create`",
            ),
            &field(
                "resource",
                AuditCondition::Resource,
                "The kind of thing, as in `jobs`",
            ),
            &field("resourceId", AuditCondition::ResourceId, "The thing"),
            &field("status", AuditCondition::Status, "The status of the answer"),
            &field("at", AuditCondition::At, "When it was answered"),
        ],
        sorts: &[],
        default_order: "newest first",
    };
}
