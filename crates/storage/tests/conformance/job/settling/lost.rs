//! Attempts that nobody has any more: settled before, recovered, or another node's.

use ratchet_interfaces::{AttemptOutcome, ExecutionId, JobId, JobStatus, NodeId};

use super::{LOST, SETTLED, Story, delivering, failed, outcome, retry, settle};
use crate::harness::{at_once, on_each_database};
use crate::sample::{at, claim, claimed_job, claimed_jobs};

#[tokio::test]
async fn an_attempt_is_settled_once() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_job(&*repositories, node).await;
        let first = delivering(&claimed, node, 1);
        assert_eq!(
            settle(&repositories, std::slice::from_ref(&first)).await,
            [SETTLED]
        );
        let before = Story::of(&repositories, claimed.job.id).await;
        for again in [
            first,
            outcome(&claimed, node, failed("no")),
            outcome(&claimed, node, retry(1)),
        ] {
            assert_eq!(settle(&repositories, &[again]).await, [LOST]);
            assert_eq!(Story::of(&repositories, claimed.job.id).await, before);
        }
    })
    .await;
}

#[tokio::test]
async fn an_attempt_that_is_told_twice_in_one_call_is_settled_once() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_jobs(&*repositories, node, 2).await;
        let outcomes = [
            delivering(&claimed[0], node, 1),
            outcome(&claimed[0], node, failed("the second of the two")),
            outcome(&claimed[1], node, failed("no")),
        ];
        assert_eq!(settle(&repositories, &outcomes).await, [SETTLED, LOST, SETTLED]);
        let story = Story::of(&repositories, claimed[0].job.id).await;
        assert_eq!(story.job.unwrap().status, JobStatus::Completed);
        assert_eq!(story.deliveries.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn who_does_not_have_the_job_any_more_settles_nothing() {
    on_each_database(async |repositories| {
        let (node, other) = (NodeId::new(), NodeId::new());
        let claimed = claimed_jobs(&*repositories, node, 2).await;
        let before = Story::of(&repositories, claimed[0].job.id).await;
        let foreign = delivering(&claimed[0], other, 1);
        let wrong_execution = AttemptOutcome {
            execution_id: claimed[1].execution_id,
            ..outcome(&claimed[0], node, failed("no"))
        };
        let no_execution = AttemptOutcome {
            execution_id: ExecutionId::new(),
            ..outcome(&claimed[0], node, failed("no"))
        };
        let no_job = AttemptOutcome {
            job_id: JobId::new(),
            ..outcome(&claimed[0], node, failed("no"))
        };
        for outcome in [foreign, wrong_execution, no_execution, no_job] {
            let told = format!("{outcome:?}");
            assert_eq!(settle(&repositories, &[outcome]).await, [LOST], "{told}");
            assert_eq!(
                Story::of(&repositories, claimed[0].job.id).await,
                before,
                "{told}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_attempt_of_before_the_recovery_does_not_settle_the_attempt_after_it() {
    on_each_database(async |repositories| {
        // The same node claims again what was taken from it: only the execution tells the two attempts apart.
        let node = NodeId::new();
        let first = claimed_job(&*repositories, node).await;
        let recovered = repositories
            .jobs()
            .job_recover_orphans(NodeId::new(), at(101), "gone")
            .await
            .unwrap();
        assert_eq!(recovered.jobs, 1);
        let second = repositories
            .jobs()
            .job_claim_many(claim(node, 1))
            .await
            .unwrap()
            .jobs;
        assert_eq!(second[0].job.id, first.job.id);
        let before = Story::of(&repositories, first.job.id).await;
        let late = delivering(&first, node, 1);
        assert_eq!(settle(&repositories, &[late]).await, [LOST]);
        assert_eq!(Story::of(&repositories, first.job.id).await, before);
        let last = delivering(&second[0], node, 1);
        assert_eq!(settle(&repositories, &[last]).await, [SETTLED]);
    })
    .await;
}

#[tokio::test]
async fn a_lost_attempt_does_not_disturb_the_others_of_its_call() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_jobs(&*repositories, node, 6).await;
        settle(&repositories, &[outcome(&claimed[2], node, failed("before"))]).await;
        let outcomes: Vec<_> = claimed
            .iter()
            .enumerate()
            .rev()
            .map(|(place, claimed)| {
                let by = if place == 4 { NodeId::new() } else { node };
                delivering(claimed, by, place)
            })
            .collect();
        assert_eq!(
            settle(&repositories, &outcomes).await,
            [SETTLED, LOST, SETTLED, LOST, SETTLED, SETTLED]
        );
        for (place, claimed) in claimed.iter().enumerate() {
            let story = Story::of(&repositories, claimed.job.id).await;
            let (status, deliveries) = match place {
                2 => (JobStatus::Failed, 0),
                4 => (JobStatus::Processing, 0),
                _ => (JobStatus::Completed, place),
            };
            assert_eq!(story.job.unwrap().status, status, "{place}");
            assert_eq!(story.deliveries.len(), deliveries, "{place}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_is_settled_at_the_same_time_by_several_is_settled_once() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_jobs(&*repositories, node, 40).await;
        let answers = at_once(0..6, |caller| {
            let jobs = repositories.jobs();
            let mut outcomes: Vec<_> = claimed
                .iter()
                .map(|claimed| delivering(claimed, node, 1))
                .collect();
            outcomes.rotate_left(caller * 7);
            async move {
                let settled = jobs.job_settle_many(&outcomes).await.unwrap();
                settled
                    .outcomes
                    .into_iter()
                    .filter(|outcome| *outcome == SETTLED)
                    .count()
            }
        })
        .await;
        assert_eq!(answers.iter().sum::<usize>(), 40);
        let due = repositories
            .deliveries()
            .delivery_list_due(at(105), 1_000, &[], &[])
            .await
            .unwrap();
        assert_eq!(due.len(), 40);
    })
    .await;
}
