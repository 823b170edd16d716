//! What running tasks say of how far they are.

use ratchet_interfaces::{
    AttemptResult, Choice, ExecutionCondition, ExecutionFilter, ExecutionId, ExecutionLogLine, ExecutionSort,
    ExecutionStatus, LogFilter, LogLevel, NodeId, Progress,
};

use crate::harness::on_each_database;
use crate::sample::{HOSTILE, at, cancel, claim, claimed_jobs, everything, outcome, settle, succeeded};

fn progress(percent: f64, message: &str) -> Progress {
    Progress {
        percent,
        message: Some(message.to_owned()),
    }
}

#[tokio::test]
async fn the_last_progress_of_a_running_execution_is_in_it_and_stays_when_it_ends() {
    on_each_database(async |repositories| {
        let jobs = repositories.jobs();
        let executions = repositories.executions();
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 5).await;
        let told: Vec<(ExecutionId, Progress)> = claimed
            .iter()
            .zip(HOSTILE)
            .map(|(claimed, text)| (claimed.execution_id, progress(12.5, text)))
            .collect();
        executions.execution_tell(&[], &told).await.unwrap();
        let second = progress(99.0, "nearly");
        executions
            .execution_tell(&[], &[(claimed[0].execution_id, second.clone())])
            .await
            .unwrap();
        let mut expected: Vec<_> = told.into_iter().map(|(_, progress)| progress).collect();
        expected[0] = second;

        let assert_told = async |status: Option<ExecutionStatus>| {
            let filter =
                ExecutionFilter::of(status.map(|status| ExecutionCondition::Status(Choice::Is(status))));
            let list = executions
                .execution_list(&filter, ExecutionSort::default(), everything())
                .await
                .unwrap();
            assert_eq!(list.total, 5);
            for (claimed, expected) in claimed.iter().zip(&expected) {
                let found = executions.execution_find(claimed.execution_id).await.unwrap();
                let found = found.unwrap();
                assert_eq!(found.progress.as_ref(), Some(expected));
                assert!(list.items.contains(&found));
            }
        };
        assert_told(Some(ExecutionStatus::Running)).await;

        // However it ends.
        settle(&*repositories, &claimed[0], succeeded()).await;
        jobs.job_cancel(&cancel(claimed[1].job.id, true)).await.unwrap();
        let retry = AttemptResult::Retry {
            error: "not yet".to_owned(),
            run_after: at(90),
        };
        settle(&*repositories, &claimed[2], retry).await;
        let taken = jobs
            .job_reclaim_expired(NodeId::new(), at(160), "its lease ended")
            .await;
        assert_eq!(taken.unwrap().jobs, 2);
        assert_told(None).await;

        // The next attempt has said nothing yet.
        let again = jobs.job_claim_many(claim(NodeId::new(), 5)).await.unwrap().jobs;
        assert_eq!(again.len(), 3);
        for claimed in again {
            let found = executions.execution_find(claimed.execution_id).await.unwrap();
            assert_eq!(found.unwrap().progress, None);
        }
    })
    .await;
}

#[tokio::test]
async fn of_what_is_told_after_the_end_the_lines_are_kept_and_the_progress_is_not() {
    on_each_database(async |repositories| {
        let executions = repositories.executions();
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 2).await;
        let (gone, running) = (&claimed[0], &claimed[1]);
        let early = progress(10.0, "early");
        executions
            .execution_tell(&[], &[(gone.execution_id, early.clone())])
            .await
            .unwrap();
        let end = outcome(gone, succeeded());
        repositories.jobs().job_settle_many(&[end]).await.unwrap();
        let line = ExecutionLogLine {
            execution_id: gone.execution_id,
            seq: 7,
            at: at(106),
            level: LogLevel::Info,
            message: "late".to_owned(),
        };
        let late = progress(100.0, "late");
        executions
            .execution_tell(
                std::slice::from_ref(&line),
                &[
                    (gone.execution_id, late.clone()),
                    (ExecutionId::new(), late.clone()),
                    (running.execution_id, late.clone()),
                ],
            )
            .await
            .unwrap();
        let log = executions
            .execution_log_list(gone.execution_id, &LogFilter::default(), everything())
            .await
            .unwrap();
        assert_eq!(log.items, [line]);
        for (claimed, expected) in [(gone, early), (running, late)] {
            let found = executions.execution_find(claimed.execution_id).await.unwrap();
            assert_eq!(found.unwrap().progress, Some(expected));
        }
    })
    .await;
}
