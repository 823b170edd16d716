use chrono::TimeDelta;
use ratchet_interfaces::AuditFilter;

use crate::list::{Filter, Listed, Offer, Setter};

/// The audit log.
#[derive(Debug)]
pub(super) struct AuditEntries;

impl Listed for AuditEntries {
    type Filter = AuditFilter;
    type Sort = ();
    const OFFER: Offer<AuditFilter, ()> = Offer {
        filters: &[
            Filter::is(
                "actor",
                Setter::Text(|filter, name| filter.actor = Some(name)),
                "Of the token with this name; `local` is who needs none, `command line` a command on the database.",
            ),
            Filter::is(
                "tokenId",
                Setter::Id(|filter, id| filter.token_id = Some(id.into())),
                "Of this token.",
            ),
            Filter::is(
                "action",
                Setter::Text(|filter, action| filter.action = Some(action)),
                "Of this operation, as in `jobs_create`.",
            ),
            Filter::is(
                "resource",
                Setter::Text(|filter, resource| filter.resource = Some(resource)),
                "About things of this kind, as in `jobs`.",
            ),
            Filter::is(
                "resourceId",
                Setter::Text(|filter, id| filter.resource_id = Some(id)),
                "About this thing.",
            ),
            Filter::is(
                "status",
                Setter::Status(|filter, status| filter.status = Some(status)),
                "That was answered with this HTTP status.",
            ),
            Filter::at_least(
                "at",
                Setter::Instant(|filter, instant| filter.from = Some(instant)),
                "Answered at this instant or later.",
            ),
            Filter::at_most(
                "at",
                // What is stored is in whole microseconds.
                Setter::Instant(|filter, instant| {
                    filter.before = instant.checked_add_signed(TimeDelta::microseconds(1));
                }),
                "Answered at this instant or earlier.",
            ),
        ],
        sorts: &[],
        default_order: "newest first",
    };
}
