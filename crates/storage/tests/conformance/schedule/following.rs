//! Which schedule may follow which.

use ratchet_interfaces::{
    DependencyCondition, Following, RepositoryError, RepositoryFactory, ScheduleId, UnifiedSchedule,
};

use crate::harness::{assert_refused, at_once, on_each_database};
use crate::sample::{schedule, stored_schedule, stored_task};

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

async fn update(
    repositories: &dyn RepositoryFactory,
    schedule: &UnifiedSchedule,
) -> Result<UnifiedSchedule, RepositoryError> {
    repositories.schedules().schedule_update(schedule).await
}

#[tokio::test]
async fn a_circle_is_refused_by_the_names_in_it_and_nothing_is_written() {
    on_each_database(async |repositories| {
        let first = stored_schedule(&*repositories, "first").await;
        let second = stored_schedule(&*repositories, "second").await;
        let third = stored_schedule(&*repositories, "third").await;
        update(&*repositories, &after(first.id, second.clone()))
            .await
            .unwrap();
        update(&*repositories, &after(second.id, third.clone()))
            .await
            .unwrap();
        for (leader, circle) in [
            (
                third.id,
                r#""first" follows "third" follows "second" follows "first""#,
            ),
            (first.id, r#""first" follows "first""#),
        ] {
            let refused = update(&*repositories, &after(leader, first.clone())).await;
            let Err(RepositoryError::FollowingCycle { circle: told }) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(told, circle);
        }
        let stored = repositories.schedules().schedule_find(first.id).await.unwrap();
        assert_eq!(stored, Some(first));
    })
    .await;
}

#[tokio::test]
async fn new_schedules_that_follow_each_other_in_a_circle_are_refused() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "task").await;
        let (one, other) = (schedule("one", task), schedule("other", task));
        let one = after(other.id, one);
        let other = after(one.id, other);
        let outside = after(one.id, schedule("outside", task));
        let schedules = repositories.schedules();
        assert_refused!(
            schedules
                .schedule_create_many(&[outside, one.clone(), other])
                .await,
            RepositoryError::FollowingCycle { .. }
        );
        assert_refused!(
            schedules.schedule_create(&after(one.id, one.clone())).await,
            RepositoryError::FollowingCycle { .. }
        );
        assert_eq!(schedules.schedule_scan(None, 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn nobody_follows_a_schedule_that_does_not_exist() {
    on_each_database(async |repositories| {
        let lone = stored_schedule(&*repositories, "lone").await;
        let refused = update(&*repositories, &after(ScheduleId::new(), lone.clone())).await;
        let Err(RepositoryError::BrokenReference { id, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(id, lone.id.to_string());
        let new = after(ScheduleId::new(), schedule("new", lone.task_id));
        assert_refused!(
            repositories.schedules().schedule_create(&new).await,
            RepositoryError::BrokenReference { .. }
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_edits_at_once_make_no_circle() {
    const ROUNDS: usize = 50;
    on_each_database(async |repositories| {
        for round in 0..ROUNDS {
            let one = stored_schedule(&*repositories, &format!("one {round}")).await;
            let other = stored_schedule(&*repositories, &format!("other {round}")).await;
            let edits = [after(other.id, one.clone()), after(one.id, other.clone())];
            let answers = at_once(edits, |edit| {
                let schedules = repositories.schedules();
                async move { schedules.schedule_update(&edit).await }
            })
            .await;
            let refused: Vec<_> = answers
                .iter()
                .filter_map(|answer| answer.as_ref().err())
                .collect();
            assert!(
                matches!(refused[..], [RepositoryError::FollowingCycle { .. }]),
                "round {round}: {answers:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_schedule_that_is_followed_is_not_deleted_and_the_error_names_who_follows() {
    on_each_database(async |repositories| {
        let leader = stored_schedule(&*repositories, "leader").await;
        let schedules = repositories.schedules();
        let mut followers = Vec::new();
        for number in 1..=6 {
            let follower = schedule(&format!("follower {number}"), leader.task_id);
            let follower = after(leader.id, follower);
            schedules.schedule_create(&follower).await.unwrap();
            followers.push(follower);
        }
        let told = async || match schedules.schedule_delete(leader.id).await {
            Err(RepositoryError::IsFollowed { followers, .. }) => followers,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            told().await,
            r#""follower 1", "follower 2", "follower 3", "follower 4", "follower 5" and 1 more"#
        );
        for gone in &followers[1..] {
            assert!(schedules.schedule_delete(gone.id).await.unwrap().existed);
        }
        assert_eq!(told().await, r#""follower 1""#);
        let free = UnifiedSchedule {
            specification: "* * * * *".to_owned(),
            ..followers[0].clone()
        };
        update(&*repositories, &free).await.unwrap();
        assert!(schedules.schedule_delete(leader.id).await.unwrap().existed);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_that_is_deleted_while_another_comes_to_follow_it_is_followed_by_none() {
    const ROUNDS: usize = 50;
    on_each_database(async |repositories| {
        for round in 0..ROUNDS {
            let leader = stored_schedule(&*repositories, &format!("leader {round}")).await;
            let follower = stored_schedule(&*repositories, &format!("follower {round}")).await;
            let answers = at_once([true, false], |deletes| {
                let schedules = repositories.schedules();
                let edit = after(leader.id, follower.clone());
                async move {
                    if deletes {
                        schedules
                            .schedule_delete(edit.follows().unwrap().leader_id)
                            .await
                            .map(drop)
                    } else {
                        schedules.schedule_update(&edit).await.map(drop)
                    }
                }
            })
            .await;
            match &answers[..] {
                [Ok(()), Err(RepositoryError::BrokenReference { .. })]
                | [Err(RepositoryError::IsFollowed { .. }), Ok(())] => {}
                other => panic!("round {round}: {other:?}"),
            }
        }
    })
    .await;
}
