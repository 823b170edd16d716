//! The table `audit_entries`.

use ratchet_interfaces::{
    AuditCondition, AuditEntry, AuditEntryId, AuditFilter, AuditNote, Bound, Choice, RepositoryError,
    RepositoryFactory, TextMatch, TokenId,
};

use crate::harness::{assert_refused, on_each_database};
use crate::paging::assert_list;
use crate::sample::{HOSTILE, at, everything, schedule, stored_schedule};

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
        let is = |text: &str| TextMatch::Choice(Choice::Is(text.to_owned()));
        for (filter, of) in [
            (
                AuditFilter::of([AuditCondition::Actor(is("ci"))]),
                (|entry| entry.actor == "ci") as fn(&AuditEntry) -> bool,
            ),
            (
                AuditFilter::of([AuditCondition::TokenId(Choice::Is(token))]),
                |entry| entry.token_id.is_some(),
            ),
            (
                AuditFilter::of([AuditCondition::Action(is("jobs_cancel"))]),
                |entry| entry.action == "jobs_cancel",
            ),
            (AuditFilter::of([AuditCondition::Resource(is("jobs"))]), |entry| {
                entry.resource == "jobs"
            }),
            (AuditFilter::of([AuditCondition::ResourceId(is("3"))]), |entry| {
                entry.resource_id.as_deref() == Some("3")
            }),
            (
                AuditFilter::of([AuditCondition::Status(Bound::Choice(Choice::Is(403)))]),
                |entry| entry.status == 403,
            ),
            (
                AuditFilter::of([AuditCondition::At(Bound::AtLeast(at(7)))]),
                |entry| entry.at >= at(7),
            ),
            (
                AuditFilter::of([AuditCondition::At(Bound::Before(at(7)))]),
                |entry| entry.at < at(7),
            ),
            (
                AuditFilter::of([
                    AuditCondition::At(Bound::AtLeast(at(3))),
                    AuditCondition::At(Bound::Before(at(20))),
                    AuditCondition::Actor(is("local")),
                ]),
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

async fn all(repositories: &dyn RepositoryFactory) -> Vec<AuditEntry> {
    let listed = repositories
        .audit()
        .audit_list(&AuditFilter::default(), everything())
        .await;
    listed.unwrap().items
}

#[tokio::test]
async fn an_entry_with_the_id_of_another_replaces_it() {
    on_each_database(async |repositories| {
        let first = entry(0);
        let second = AuditEntry {
            status: 409,
            resource_id: Some("a job".to_owned()),
            at: at(1),
            ..first.clone()
        };
        for written in [&first, &second] {
            repositories.audit().audit_write(written).await.unwrap();
        }
        assert_eq!(all(&*repositories).await, [second]);
    })
    .await;
}

#[tokio::test]
async fn a_note_is_written_with_the_first_change_that_it_goes_along_with() {
    on_each_database(async |repositories| {
        let leader = stored_schedule(&*repositories, "leader").await;
        let note = AuditNote::new(entry(0));
        let schedules = repositories.schedules();
        note.during(async {
            for name in ["first", "second"] {
                schedules
                    .schedule_create(&schedule(name, leader.task_id))
                    .await
                    .unwrap();
            }
        })
        .await;
        let written = note.written().unwrap();
        assert_eq!(all(&*repositories).await, [written]);
    })
    .await;
}

#[tokio::test]
async fn a_note_is_not_written_with_a_change_that_is_refused() {
    on_each_database(async |repositories| {
        let taken = stored_schedule(&*repositories, "taken").await;
        let note = AuditNote::new(entry(0));
        let schedules = repositories.schedules();
        note.during(async {
            let refused = schedules.schedule_create(&schedule("taken", taken.task_id)).await;
            assert_refused!(refused, RepositoryError::AlreadyExists { .. });
        })
        .await;
        assert!(note.written().is_none());
        assert_eq!(all(&*repositories).await, []);
        note.during(async {
            schedules
                .schedule_create(&schedule("free", taken.task_id))
                .await
                .unwrap();
        })
        .await;
        assert!(note.written().is_some());
    })
    .await;
}
