use ratchet_interfaces::{AttemptOutcome, AttemptResult, Claim, JobStatus, NodeId};
use ratchet_storage::test_support::TestDatabase;
use serde_json::json;

use crate::raw::{damage, texts};
use crate::sample::{at, claim, firing, stored_jobs, stored_schedules};

/// What makes a job unreadable on either database.
const DAMAGES: [&str; 9] = [
    "input = 'not json'",
    "output_destinations = '[{\"destinationType\": \"pigeon\"}]'",
    "attempts = -5",
    "attempts = 9223372036854775807",
    "attempts = 4294967295",
    "retry_count = -1",
    "timeout_seconds = 9223372036854775807",
    "run_after = -9223372036854775807",
    "queued_at = 9223372036854775807",
];

/// What only SQLite can hold: bytes that are no text, and an id that is none.
const DAMAGES_OF_SQLITE: [&str; 3] = ["error = CAST(X'FF' AS TEXT)", "id = X'0102'", "id = X''"];

#[tokio::test]
async fn a_claim_fails_what_cannot_be_read_and_takes_what_stands_behind_it() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let of_sqlite: &[&str] = if database.file().is_some() {
            &DAMAGES_OF_SQLITE
        } else {
            &[]
        };
        let damages: Vec<&str> = DAMAGES.iter().chain(of_sqlite).copied().collect();
        let jobs = stored_jobs(&*repositories, damages.len() as i64 + 2).await;
        let (broken, sound) = jobs.split_at(damages.len());
        for (job, change) in broken.iter().zip(&damages) {
            let id = if database.file().is_some() {
                format!("X'{}'", job.id.as_uuid().simple())
            } else {
                format!("'{}'", job.id)
            };
            let sql = format!("UPDATE jobs SET {change} WHERE id = {id}");
            damage(&database, &[&sql]).await;
        }

        let Claim {
            jobs: claimed,
            changed,
        } = repositories
            .jobs()
            .job_claim_many(claim(NodeId::new(), 2))
            .await
            .unwrap();
        let mut told: Vec<_> = changed.iter().map(|job| job.job_id).collect();
        told.sort_unstable();
        assert!(
            changed.iter().all(|job| job.status == JobStatus::Failed),
            "{changed:?}"
        );
        // One whose id is none is not told of.
        let readable: Vec<_> = broken
            .iter()
            .zip(&damages)
            .filter(|(_, change)| !change.starts_with("id ="))
            .map(|(job, _)| job.id)
            .collect();
        assert_eq!(told, readable);
        let ids: Vec<_> = claimed.iter().map(|claimed| claimed.job.id).collect();
        assert_eq!(ids, [sound[0].id, sound[1].id]);
        assert_eq!(claimed[0].job.status, JobStatus::Processing);
        assert_eq!(claimed[0].job.attempts, 1);
        let failed = texts(
            &database,
            "SELECT 'failed', error FROM jobs WHERE status = 'failed' AND lease_owner IS NULL
                 AND lease_until IS NULL AND completed_at IS NOT NULL AND started_at IS NULL",
        )
        .await;
        // The two counts of attempts that are far too high look like attempts made before.
        let failed_before = texts(
            &database,
            "SELECT 'failed', error FROM jobs WHERE status = 'failed' AND started_at IS NOT NULL",
        )
        .await;
        assert_eq!(failed.len() + failed_before.len(), damages.len(), "{failed:?}");
        for (_, error) in failed.iter().chain(&failed_before) {
            let error = error.as_deref().unwrap();
            assert!(!error.is_empty(), "a job failed without a reason");
        }
        let none_left = repositories
            .jobs()
            .job_claim_many(claim(NodeId::new(), 100))
            .await
            .unwrap()
            .jobs;
        assert_eq!(none_left.len(), 0);
    }
}

#[tokio::test]
async fn a_claim_fails_what_cannot_be_read_behind_a_gate_as_well() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let jobs = stored_jobs(&*repositories, 6).await;
        let is_sqlite = database.file().is_some();
        let id = |place: usize| {
            let id = jobs[place].id;
            if is_sqlite {
                format!("X'{}'", id.as_uuid().simple())
            } else {
                format!("'{id}'")
            }
        };
        let mut changes = vec![
            "UPDATE jobs SET gate = 'key a', concurrency_key = 'a'".to_owned(),
            format!("UPDATE jobs SET input = 'not json' WHERE id = {}", id(0)),
            format!("UPDATE jobs SET attempts = -5 WHERE id = {}", id(1)),
        ];
        if is_sqlite {
            changes.push(format!("UPDATE jobs SET id = X'0102' WHERE id = {}", id(2)));
        } else {
            changes.push(format!("UPDATE jobs SET retry_count = -1 WHERE id = {}", id(2)));
        }
        let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
        damage(&database, &changes).await;

        let node = NodeId::new();
        let mut taken = Vec::new();
        for _ in 0..8 {
            for claimed in repositories
                .jobs()
                .job_claim_many(claim(node, 1))
                .await
                .unwrap()
                .jobs
            {
                let end = AttemptOutcome::new(
                    claimed.job.id,
                    claimed.execution_id,
                    node,
                    AttemptResult::Succeeded { output: json!(1) },
                    at(105),
                );
                repositories.jobs().job_settle_many(&[end]).await.unwrap();
                taken.push(claimed.job.id);
            }
        }
        assert_eq!(taken, [jobs[3].id, jobs[4].id, jobs[5].id]);
        let failed = texts(
            &database,
            "SELECT 'failed', error FROM jobs WHERE status = 'failed'",
        )
        .await;
        assert_eq!(failed.len(), 3, "{failed:?}");
    }
}

#[tokio::test]
async fn a_schedule_with_an_unreadable_input_fails_its_own_jobs_only() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let schedules = stored_schedules(&*repositories, &["broken", "sound"]).await;
        damage(
            &database,
            &["UPDATE schedules SET input = 'not json' WHERE name = 'broken'"],
        )
        .await;
        let firings: Vec<_> = schedules.iter().map(firing).collect();
        repositories.ticks().tick_fire_many(&firings).await.unwrap();

        let claimed = repositories
            .jobs()
            .job_claim_many(claim(NodeId::new(), 10))
            .await
            .unwrap()
            .jobs;
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].job.schedule_id, Some(schedules[1].id));
        let failed = texts(
            &database,
            "SELECT 'failed', error FROM jobs WHERE status = 'failed'",
        )
        .await;
        assert_eq!(failed.len(), 1);
        let error = failed[0].1.as_deref().unwrap();
        assert!(error.contains("the stored input of job"), "{error}");
        let executions = texts(&database, "SELECT 'execution', status FROM attempts").await;
        assert_eq!(
            executions.len(),
            1,
            "an attempt that was never made has no execution"
        );
    }
}

#[tokio::test]
async fn a_job_whose_attempts_were_set_back_by_hand_does_not_keep_the_others() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let jobs = stored_jobs(&*repositories, 2).await;
        let node = NodeId::new();
        repositories.jobs().job_claim_many(claim(node, 1)).await.unwrap();
        damage(
            &database,
            &["UPDATE jobs SET status = 'queued', attempts = 0, lease_owner = NULL WHERE status = 'processing'"],
        )
        .await;
        let claimed = repositories
            .jobs()
            .job_claim_many(claim(node, 2))
            .await
            .unwrap()
            .jobs;
        let ids: Vec<_> = claimed.iter().map(|claimed| claimed.job.id).collect();
        assert_eq!(ids, [jobs[0].id, jobs[1].id]);
        assert_eq!(claimed[0].job.attempts, 1);
    }
}

#[tokio::test]
async fn an_instant_beyond_every_clock_is_never_waited_for() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        stored_jobs(&*repositories, 1).await;
        damage(&database, &["UPDATE jobs SET run_after = 9223372036854775807"]).await;
        assert_eq!(
            repositories.jobs().job_next_run_after(at(100)).await.unwrap(),
            None
        );
    }
}
