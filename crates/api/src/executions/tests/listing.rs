use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// With so many executions that failed, which are listed, and so many jobs that wait.
fn failed_and_waiting(failed: u64, waiting: u64) -> Mocks {
    let mut mocks = Mocks::default();
    mocks.jobs.expect_job_find_many().returning(|_| Ok(Vec::new()));
    mocks
        .executions
        .expect_execution_list()
        .returning(move |filter, _, page| {
            let wanted = ExecutionCondition::Status(Choice::Is(ExecutionStatus::Failed));
            assert_eq!(filter.conditions(), [wanted]);
            let rows = failed.saturating_sub(page.offset()).min(page.limit());
            Ok(Page {
                items: std::iter::repeat_with(super::failed)
                    .take(rows as usize)
                    .collect(),
                total: failed,
            })
        });
    mocks.jobs.expect_job_list().returning(move |_, _, page| {
        let rows = waiting.saturating_sub(page.offset()).min(page.limit());
        let row = || job(JobStatus::Queued, 0);
        Ok(Page {
            items: std::iter::repeat_with(row).take(rows as usize).collect(),
            total: waiting,
        })
    });
    mocks
}

#[tokio::test]
async fn a_list_has_those_that_have_not_begun_where_it_asks_for_them_after_all_others() {
    let list = async |query: &str| {
        let answer = failed_and_waiting(2, 3).get(&format!("{ALL}?{query}")).await;
        let rows = answer.body["data"].as_array().unwrap().iter();
        let standings: Vec<_> = rows
            .map(|row| row["status"].as_str().unwrap().to_owned())
            .collect();
        (
            standings.join(" "),
            answer.body["meta"]["pagination"]["total"].as_u64().unwrap(),
        )
    };
    assert_eq!(
        list("status=pending").await,
        ("PENDING PENDING PENDING".to_owned(), 3)
    );
    assert_eq!(list("status=FAILED").await, ("FAILED FAILED".to_owned(), 2));
    let both = "status_in=pending,failed";
    for (page, rows) in [
        ("_start=0&_end=2", "FAILED FAILED"),
        ("_start=1&_end=3", "FAILED PENDING"),
        ("_start=3&_end=9", "PENDING PENDING"),
        ("_start=5&_end=9", ""),
    ] {
        assert_eq!(
            list(&format!("{both}&{page}")).await,
            (rows.to_owned(), 5),
            "{page}"
        );
    }
}

#[tokio::test]
async fn an_execution_whose_job_is_damaged_is_shown_without_what_the_job_knew() {
    let damaged = |id: JobId| RepositoryError::CorruptRow {
        what: "job",
        id: id.to_string(),
        column: "input",
        source: "trailing characters".into(),
    };
    let with_damaged = || {
        let mut mocks = Mocks::default();
        mocks
            .executions
            .expect_execution_find()
            .returning(|_| Ok(Some(failed())));
        mocks.executions.expect_execution_list().returning(|_, _, _| {
            let other = Execution {
                job_id: OTHER_JOB.parse().unwrap(),
                ..failed()
            };
            Ok(Page {
                items: vec![failed(), other],
                total: 2,
            })
        });
        mocks
            .jobs
            .expect_job_find_many()
            .returning(move |ids| Err(damaged(ids[0])));
        mocks
            .jobs
            .expect_job_find()
            .returning(move |id| match id.to_string().as_str() {
                JOB => Err(damaged(id)),
                _ => Ok(Some(UnifiedJob {
                    id,
                    ..job(JobStatus::Failed, 2)
                })),
            });
        mocks
    };
    let list = with_damaged().get(ALL).await;
    assert_eq!(
        (&list.body["data"][0]["taskId"], &list.body["data"][1]["taskId"]),
        (&Value::Null, &json!(TASK)),
        "{list:?}"
    );
    let one = with_damaged().get(&path()).await;
    assert_eq!((one.status, &one.body["data"]["status"]), (200, &json!("FAILED")));
}

#[tokio::test]
async fn an_execution_that_begins_while_a_list_is_read_stands_in_it_once() {
    // The execution of the first of two jobs begins once the jobs were read, or just before.
    for begins_before in [false, true] {
        let mut mocks = Mocks::default();
        let has_begun = Arc::new(AtomicBool::new(false));
        let begun = Arc::clone(&has_begun);
        mocks
            .executions
            .expect_execution_list()
            .returning(move |_, _, _| {
                let running = begun.load(Ordering::Relaxed).then(|| Execution {
                    attempt: 1,
                    status: ExecutionStatus::Running,
                    ..failed()
                });
                let items: Vec<_> = running.into_iter().collect();
                Ok(Page {
                    total: items.len() as u64,
                    items,
                })
            });
        mocks.jobs.expect_job_list().returning(move |_, _, _| {
            has_begun.store(true, Ordering::Relaxed);
            let other = UnifiedJob {
                id: OTHER_JOB.parse().unwrap(),
                ..job(JobStatus::Queued, 0)
            };
            let first = (!begins_before).then(|| job(JobStatus::Queued, 0));
            let items: Vec<_> = first.into_iter().chain([other]).collect();
            Ok(Page {
                total: items.len() as u64,
                items,
            })
        });
        mocks.jobs.expect_job_find_many().returning(|_| Ok(Vec::new()));
        let answer = mocks.get(&format!("{ALL}?status_in=pending,running")).await;
        let rows = answer.body["data"].as_array().unwrap().iter();
        let rows: Vec<_> = rows.map(|row| (&row["jobId"], &row["status"])).collect();
        let expected = [
            (&json!(JOB), &json!("RUNNING")),
            (&json!(OTHER_JOB), &json!("PENDING")),
        ];
        assert_eq!(rows, expected, "{begins_before}");
        assert_eq!(answer.body["meta"]["pagination"]["total"], 2, "{begins_before}");
    }
}

#[tokio::test]
async fn a_job_that_is_tried_again_has_its_next_execution_beside_those_before() {
    let mut mocks = Mocks::default();
    mocks.executions.expect_execution_list().returning(|_, _, _| {
        Ok(Page {
            items: vec![failed()],
            total: 1,
        })
    });
    mocks.jobs.expect_job_find_many().returning(|_| Ok(Vec::new()));
    mocks.jobs.expect_job_list().returning(|_, _, _| {
        Ok(Page {
            items: vec![job(JobStatus::Retrying, 2)],
            total: 1,
        })
    });
    let answer = mocks.get(&format!("{ALL}?status_in=pending,failed")).await;
    let rows = answer.body["data"].as_array().unwrap().iter();
    let attempts: Vec<_> = rows.map(|row| (&row["jobId"], &row["attempt"])).collect();
    assert_eq!(attempts, [(&json!(JOB), &json!(2)), (&json!(JOB), &json!(3))]);
}
