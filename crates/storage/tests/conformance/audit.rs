//! The table `audit_entries`.

use ratchet_interfaces::{AuditEntry, AuditEntryId, AuditFilter, TokenId};

use crate::harness::on_each_database;
use crate::paging::assert_list;
use crate::sample::{HOSTILE, at, everything};

fn entry(second: i64) -> AuditEntry {
    AuditEntry {
        id: AuditEntryId::new(),
        at: at(second),
        actor: AuditEntry::LOCAL.to_owned(),
        token_id: None,
        peer: None,
        action: "jobs_create".to_owned(),
        resource: "jobs".to_owned(),
        resource_id: None,
        fields: Vec::new(),
        status: 201,
    }
}

#[tokio::test]
async fn an_entry_is_read_as_it_was_written() {
    on_each_database(async |repositories| {
        let audit = repositories.audit();
        let mut expected = Vec::new();
        for (second, text) in (0..).zip(HOSTILE) {
            let written = AuditEntry {
                actor: (*text).to_owned(),
                token_id: Some(TokenId::new()),
                peer: Some((*text).to_owned()),
                resource_id: Some((*text).to_owned()),
                fields: HOSTILE[..second as usize]
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                status: 100 + second as u16,
                ..entry(second)
            };
            audit.audit_write(&written).await.unwrap();
            expected.insert(0, written);
        }
        assert_list(&expected, async |page| {
            audit.audit_list(&AuditFilter::default(), page).await.unwrap()
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn every_filter_leaves_what_it_says() {
    on_each_database(async |repositories| {
        let audit = repositories.audit();
        let token = TokenId::new();
        let mut all = Vec::new();
        for place in 0..24_i64 {
            let written = AuditEntry {
                actor: if place % 2 == 0 {
                    "ci".to_owned()
                } else {
                    AuditEntry::LOCAL.to_owned()
                },
                token_id: (place % 2 == 0).then_some(token),
                action: if place % 3 == 0 {
                    "jobs_create"
                } else {
                    "jobs_cancel"
                }
                .to_owned(),
                resource: if place % 4 == 0 { "jobs" } else { "schedules" }.to_owned(),
                resource_id: (place % 5 != 0).then(|| format!("{}", place % 5)),
                status: if place % 6 == 0 { 403 } else { 200 },
                ..entry(place)
            };
            audit.audit_write(&written).await.unwrap();
            all.insert(0, written);
        }
        let none = AuditFilter::default;
        let text = |text: &str| Some(text.to_owned());
        for (filter, of) in [
            (
                AuditFilter {
                    actor: text("ci"),
                    ..none()
                },
                (|entry| entry.actor == "ci") as fn(&AuditEntry) -> bool,
            ),
            (
                AuditFilter {
                    token_id: Some(token),
                    ..none()
                },
                |entry| entry.token_id.is_some(),
            ),
            (
                AuditFilter {
                    action: text("jobs_cancel"),
                    ..none()
                },
                |entry| entry.action == "jobs_cancel",
            ),
            (
                AuditFilter {
                    resource: text("jobs"),
                    ..none()
                },
                |entry| entry.resource == "jobs",
            ),
            (
                AuditFilter {
                    resource_id: text("3"),
                    ..none()
                },
                |entry| entry.resource_id.as_deref() == Some("3"),
            ),
            (
                AuditFilter {
                    status: Some(403),
                    ..none()
                },
                |entry| entry.status == 403,
            ),
            (
                AuditFilter {
                    from: Some(at(7)),
                    ..none()
                },
                |entry| entry.at >= at(7),
            ),
            (
                AuditFilter {
                    before: Some(at(7)),
                    ..none()
                },
                |entry| entry.at < at(7),
            ),
            (
                AuditFilter {
                    from: Some(at(3)),
                    before: Some(at(20)),
                    actor: text("local"),
                    ..none()
                },
                |entry| entry.at >= at(3) && entry.at < at(20) && entry.actor == "local",
            ),
        ] {
            let expected: Vec<AuditEntry> = all.iter().filter(|entry| of(entry)).cloned().collect();
            assert!(!expected.is_empty(), "{filter:?}");
            assert_list(&expected, async |page| {
                audit.audit_list(&filter, page).await.unwrap()
            })
            .await;
        }
    })
    .await;
}

#[tokio::test]
async fn old_entries_go_oldest_first_and_no_more_than_asked_for() {
    on_each_database(async |repositories| {
        let audit = repositories.audit();
        // The instants are not in the order of the ids: a clock was set back.
        for second in [3, 1, 2, 5, 4] {
            audit.audit_write(&entry(second)).await.unwrap();
        }
        assert_eq!(audit.audit_prune(at(1), 10).await.unwrap(), 0);
        assert_eq!(audit.audit_prune(at(4), 2).await.unwrap(), 2);
        let left = audit
            .audit_list(&AuditFilter::default(), everything())
            .await
            .unwrap();
        let seconds: Vec<_> = left.items.iter().map(|entry| entry.at).collect();
        assert_eq!(seconds, [at(4), at(5), at(3)]);
        assert_eq!(audit.audit_prune(at(4), 2).await.unwrap(), 1);
        assert_eq!(audit.audit_prune(at(4), 2).await.unwrap(), 0);
    })
    .await;
}
