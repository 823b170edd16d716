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
