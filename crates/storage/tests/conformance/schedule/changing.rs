//! Many changes together, or none.

use ratchet_interfaces::{
    ChangedSchedules, DependencyCondition, FiringOutcome, Following, RepositoryError, RepositoryFactory,
    ScheduleChange, ScheduleId, ScheduleSelection, TaskId, UnifiedSchedule,
};

use crate::harness::{assert_refused, at_once, on_each_database};
use crate::sample::{at, firing, schedule, stored_schedule, stored_task};

fn after(leader: ScheduleId, schedule: UnifiedSchedule) -> UnifiedSchedule {
    let following = Following {
        leader_id: leader,
        condition: DependencyCondition::AllFinished,
    };
    UnifiedSchedule {
        specification: following.to_string(),
        next_run: None,
        ..schedule
    }
}

fn deletion(schedule: &UnifiedSchedule) -> ScheduleChange {
    ScheduleChange::Delete {
        id: schedule.id,
        version: schedule.version,
    }
}

async fn all(repositories: &dyn RepositoryFactory) -> Vec<UnifiedSchedule> {
    repositories.schedules().schedule_scan(None, 1_000).await.unwrap()
}

#[tokio::test]
async fn what_is_created_replaced_and_deleted_together_is_there_together() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let replaced = stored_schedule(&*repositories, "replaced").await;
        let deleted = stored_schedule(&*repositories, "deleted").await;
        let follower = after(deleted.id, schedule("follower", deleted.task_id));
        schedules.schedule_create(&follower).await.unwrap();
        let outcome = repositories
            .ticks()
            .tick_fire_many(&[firing(&replaced)])
            .await
            .unwrap()
            .outcomes;
        assert_eq!(outcome, [FiringOutcome::Committed]);

        let leader = schedule("leader", replaced.task_id);
        let created = UnifiedSchedule {
            managed_by: Some("apply".to_owned()),
            ..after(leader.id, schedule("created", replaced.task_id))
        };
        let replacement = UnifiedSchedule {
            description: Some("new".to_owned()),
            effective_from: at(90),
            ..after(created.id, replaced.clone())
        };
        let described = stored_schedule(&*repositories, "described").await;
        let decided = firing(&described);
        let description = UnifiedSchedule {
            description: Some("new".to_owned()),
            ..described.clone()
        };
        let changes = [
            deletion(&follower),
            ScheduleChange::Replace(replacement.clone()),
            ScheduleChange::ReplaceDetails(UnifiedSchedule {
                enabled: false,
                next_run: None,
                ..description.clone()
            }),
            ScheduleChange::Create(leader.clone()),
            ScheduleChange::Create(created.clone()),
            deletion(&deleted),
        ];
        let written = schedules.schedule_change_many(&changes).await.unwrap().schedules;
        let expected = UnifiedSchedule {
            version: replaced.version + 1,
            timing_version: replaced.timing_version + 1,
            last_run: replaced.next_run,
            run_count: 1,
            ..replacement
        };
        let description = UnifiedSchedule {
            version: described.version + 1,
            ..description
        };
        let all_written = [&expected, &description, &leader, &created].map(Clone::clone);
        assert_eq!(written, all_written);
        let mut expected = Vec::from(all_written);
        expected.sort_by_key(|schedule| schedule.id);
        assert_eq!(all(&*repositories).await, expected);
        let outcome = repositories.ticks().tick_fire_many(&[decided]).await.unwrap();
        assert_eq!(outcome.outcomes, [FiringOutcome::Committed]);
        let periods = schedules.schedule_list_periods(replaced.id).await.unwrap();
        assert_eq!(
            periods.len(),
            1,
            "what it said before is kept, as after a single change"
        );
        let nothing = schedules.schedule_change_many(&[]).await.unwrap();
        assert_eq!(nothing, ChangedSchedules::default());
    })
    .await;
}

#[tokio::test]
async fn one_conflict_changes_nothing() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let one = stored_schedule(&*repositories, "one").await;
        let other = stored_schedule(&*repositories, "other").await;
        let followed = stored_schedule(&*repositories, "followed").await;
        let follower = after(followed.id, schedule("follower", followed.task_id));
        schedules.schedule_create(&follower).await.unwrap();
        let before = all(&*repositories).await;

        let renamed = |name: &str| UnifiedSchedule {
            name: name.to_owned(),
            ..other.clone()
        };
        let stale = UnifiedSchedule {
            version: other.version + 1,
            ..other.clone()
        };
        let gone = schedule("gone", one.task_id);
        let circle = schedule("circle", one.task_id);
        let (first, second) = (
            after(circle.id, one.clone()),
            ScheduleChange::Create(after(one.id, circle)),
        );
        for (what, wrong) in [
            ("conflict", vec![ScheduleChange::Replace(stale.clone())]),
            ("conflict", vec![ScheduleChange::ReplaceDetails(stale.clone())]),
            ("conflict", vec![deletion(&stale)]),
            ("conflict", vec![deletion(&other), deletion(&other)]),
            ("missing", vec![ScheduleChange::Replace(gone.clone())]),
            ("missing", vec![deletion(&gone)]),
            (
                "taken",
                vec![ScheduleChange::Create(schedule("one", one.task_id))],
            ),
            ("taken", vec![ScheduleChange::Replace(renamed("followed"))]),
            ("followed", vec![deletion(&followed)]),
            (
                "reference",
                vec![ScheduleChange::Create(schedule("a", TaskId::new()))],
            ),
            (
                "reference",
                vec![ScheduleChange::Create(after(gone.id, schedule("a", one.task_id)))],
            ),
            ("circle", vec![second, ScheduleChange::Replace(first)]),
        ] {
            let mut changes = vec![ScheduleChange::Create(schedule("new", one.task_id))];
            if what != "circle" {
                changes.push(ScheduleChange::Replace(UnifiedSchedule {
                    enabled: false,
                    ..one.clone()
                }));
            }
            changes.extend(wrong);
            let refused = schedules.schedule_change_many(&changes).await.unwrap_err();
            let told = match &refused {
                RepositoryError::VersionConflict { .. } => "conflict",
                RepositoryError::NotFound { .. } => "missing",
                RepositoryError::AlreadyExists { field: "name", .. } => "taken",
                RepositoryError::IsFollowed { .. } => "followed",
                RepositoryError::BrokenReference { .. } => "reference",
                RepositoryError::FollowingCycle { .. } => "circle",
                _ => "something else",
            };
            assert_eq!(told, what, "{refused}");
            assert_eq!(all(&*repositories).await, before, "after {refused}");
        }
    })
    .await;
}

#[tokio::test]
async fn schedules_that_are_followed_go_with_their_followers() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let leader = stored_schedule(&*repositories, "leader").await;
        let middle = after(leader.id, schedule("middle", leader.task_id));
        let last = after(middle.id, schedule("last", leader.task_id));
        schedules
            .schedule_create_many(&[middle.clone(), last.clone()])
            .await
            .unwrap();
        assert_refused!(
            schedules
                .schedule_change_many(&[deletion(&leader), deletion(&middle), deletion(&last)])
                .await,
            RepositoryError::IsFollowed { .. }
        );
        schedules
            .schedule_change_many(&[deletion(&last), deletion(&middle), deletion(&leader)])
            .await
            .unwrap();
        assert_eq!(all(&*repositories).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_sets_of_changes_at_once_one_is_made_as_a_whole() {
    const ROUNDS: usize = 20;
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "task").await;
        let schedules = repositories.schedules();
        let mut stored: Vec<_> = (0..4)
            .map(|number| schedule(&format!("schedule {number}"), task))
            .collect();
        schedules.schedule_create_many(&stored).await.unwrap();
        for round in 0..ROUNDS {
            let set = |name: String, reversed: bool| {
                let mut set: Vec<_> = stored
                    .iter()
                    .map(|schedule| {
                        ScheduleChange::Replace(UnifiedSchedule {
                            description: Some(name.clone()),
                            ..schedule.clone()
                        })
                    })
                    .collect();
                if reversed {
                    set.reverse();
                }
                set
            };
            let sets = [
                set(format!("one {round}"), false),
                set(format!("other {round}"), true),
            ];
            let answers = at_once(sets, |set| {
                let schedules = repositories.schedules();
                async move { schedules.schedule_change_many(&set).await }
            })
            .await;
            let refused: Vec<_> = answers
                .iter()
                .filter_map(|answer| answer.as_ref().err())
                .collect();
            assert!(
                matches!(refused[..], [RepositoryError::VersionConflict { .. }]),
                "round {round}: {answers:?}"
            );
            stored = all(&*repositories).await;
            assert!(
                stored
                    .iter()
                    .all(|schedule| schedule.description == stored[0].description),
                "round {round}: {stored:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn schedules_are_selected_by_name_by_their_set_and_by_whom_they_follow() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let by_hand = stored_schedule(&*repositories, "by hand").await;
        let managed = |name: &str, set: &str| UnifiedSchedule {
            managed_by: Some(set.to_owned()),
            ..schedule(name, by_hand.task_id)
        };
        let (one, two) = (managed("one", "apply"), managed("two", "apply"));
        let other = after(by_hand.id, managed("other", "another"));
        schedules
            .schedule_create_many(&[two.clone(), one.clone(), other.clone()])
            .await
            .unwrap();
        for (selection, expected) in [
            (ScheduleSelection::ManagedBy("apply".to_owned()), vec![&one, &two]),
            (ScheduleSelection::ManagedBy("nobody".to_owned()), vec![]),
            (
                ScheduleSelection::Named(vec!["two".to_owned(), "nobody".to_owned(), "by hand".to_owned()]),
                vec![&by_hand, &two],
            ),
            (ScheduleSelection::Named(Vec::new()), vec![]),
            (
                ScheduleSelection::Following(vec![by_hand.id, one.id]),
                vec![&other],
            ),
        ] {
            let selected = schedules.schedule_list_selected(&selection).await.unwrap();
            assert_eq!(selected.iter().collect::<Vec<_>>(), expected, "{selection:?}");
        }
    })
    .await;
}
