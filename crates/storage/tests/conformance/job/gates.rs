//! Limits on how many jobs of a task, or with a concurrency key, run at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptResult, Choice, ClaimRequest, ClaimedJob, DependencyCondition, JobCondition, JobFilter, JobId,
    JobPriority, JobSort, JobStatus, ManualRun, ManualRuns, NodeId, RepositoryFactory, Task, TaskId,
    TickOutcome, UnifiedJob,
};

use crate::harness::{at_once, on_each_database};
use crate::sample::{
    at, cancel, claim, everything, failed, firing, found, job, outcome, schedule, settle, status, store,
    stored_after, stored_task, succeeded, task,
};

/// A task of which so many jobs run at once, and of those with the same key so many.
async fn limited(
    repositories: &dyn RepositoryFactory,
    name: &str,
    max_concurrent: Option<u32>,
    max_per_key: Option<u32>,
) -> Task {
    let mut task = task(name);
    task.definition.limits.max_concurrent = max_concurrent;
    task.definition.limits.max_per_key = max_per_key;
    let tasks = repositories.tasks();
    tasks.task_upsert_many(std::slice::from_ref(&task)).await.unwrap();
    task
}

fn keyed(task: TaskId, key: &str) -> UnifiedJob {
    UnifiedJob {
        concurrency_key: Some(key.to_owned()),
        ..job(task)
    }
}

async fn claimed(repositories: &dyn RepositoryFactory, limit: u32) -> Vec<ClaimedJob> {
    repositories
        .jobs()
        .job_claim_many(claim(NodeId::new(), limit))
        .await
        .unwrap()
        .jobs
}

fn ids(claimed: &[ClaimedJob]) -> HashSet<JobId> {
    claimed.iter().map(|claimed| claimed.job.id).collect()
}

#[tokio::test]
async fn no_more_jobs_of_a_task_run_than_it_allows() {
    on_each_database(async |repositories| {
        let task = limited(&*repositories, "narrow", Some(3), None)
            .await
            .definition
            .id;
        let free = stored_task(&*repositories, "free").await;
        let jobs: Vec<_> = (0..10).map(|_| job(task)).collect();
        store(&*repositories, &jobs).await;
        store(&*repositories, &[job(free), job(free)]).await;
        let first = claimed(&*repositories, 2).await;
        assert_eq!(ids(&first), ids_of(&jobs[..2]), "in their order");
        let second = claimed(&*repositories, 100).await;
        assert_eq!(second.len(), 3, "one more of the task, and those of the free one");
        assert_eq!(claimed(&*repositories, 100).await, []);
        // However an attempt ends, the next may run; and who ended it is told.
        for (end, running) in [succeeded(), failed()].into_iter().zip(&first) {
            assert_eq!(settle(&*repositories, running, end).await.released, 1);
            let next = claimed(&*repositories, 100).await;
            assert_eq!(next.len(), 1);
        }
        assert_eq!(claimed(&*repositories, 100).await, []);
    })
    .await;
}

fn ids_of(jobs: &[UnifiedJob]) -> HashSet<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn an_attempt_that_is_tried_again_or_handed_back_makes_room() {
    on_each_database(async |repositories| {
        let task = limited(&*repositories, "narrow", Some(1), None)
            .await
            .definition
            .id;
        let jobs: Vec<_> = (0..3).map(|_| job(task)).collect();
        store(&*repositories, &jobs).await;
        let first = claimed(&*repositories, 5).await.remove(0);
        let retry = AttemptResult::Retry {
            error: "not yet".to_owned(),
            run_after: at(1_000),
        };
        assert_eq!(settle(&*repositories, &first, retry).await.released, 1);
        let second = claimed(&*repositories, 5).await;
        assert_eq!(ids(&second), ids_of(&jobs[1..2]));
        let back = AttemptResult::HandedBack {
            reason: "the server stops".to_owned(),
        };
        assert_eq!(settle(&*repositories, &second[0], back).await.released, 1);
        assert_eq!(ids(&claimed(&*repositories, 5).await), ids_of(&jobs[1..2]));
        assert_eq!(claimed(&*repositories, 5).await, []);
    })
    .await;
}

#[tokio::test]
async fn of_the_jobs_with_a_key_one_runs_unless_their_task_allows_more() {
    on_each_database(async |repositories| {
        let one = stored_task(&*repositories, "one").await;
        let two = limited(&*repositories, "two", None, Some(2)).await.definition.id;
        let a: Vec<_> = (0..3).map(|_| keyed(one, "a")).collect();
        let b: Vec<_> = (0..3).map(|_| keyed(two, "b")).collect();
        let unkeyed = job(one);
        store(
            &*repositories,
            &[a.clone(), b.clone(), vec![unkeyed.clone()]].concat(),
        )
        .await;
        let first = claimed(&*repositories, 100).await;
        let expected = [&a[..1], &b[..2], &[unkeyed]].concat();
        assert_eq!(ids(&first), ids_of(&expected));
        assert_eq!(claimed(&*repositories, 100).await, []);
        let of_a = first.iter().find(|claimed| claimed.job.id == a[0].id).unwrap();
        settle(&*repositories, of_a, succeeded()).await;
        assert_eq!(ids(&claimed(&*repositories, 100).await), ids_of(&a[1..2]));
    })
    .await;
}

#[tokio::test]
async fn tasks_share_a_key_and_keep_their_own_limits() {
    on_each_database(async |repositories| {
        let narrow = limited(&*repositories, "narrow", Some(1), Some(3))
            .await
            .definition
            .id;
        let wide = limited(&*repositories, "wide", None, Some(3)).await.definition.id;
        // The first has the place of its task, and the many behind it keep nobody else from the key.
        let mut jobs: Vec<_> = (0..60).map(|_| keyed(narrow, "shared")).collect();
        jobs.extend((0..5).map(|_| keyed(wide, "shared")));
        store(&*repositories, &jobs).await;
        assert_eq!(ids(&claimed(&*repositories, 1).await), ids_of(&jobs[..1]));
        assert_eq!(ids(&claimed(&*repositories, 1).await), ids_of(&jobs[60..61]));
        assert_eq!(ids(&claimed(&*repositories, 4).await), ids_of(&jobs[61..62]));
        assert_eq!(claimed(&*repositories, 4).await, []);
    })
    .await;
}

#[tokio::test]
async fn however_many_wait_at_a_closed_gate_they_keep_no_others() {
    on_each_database(async |repositories| {
        let narrow = limited(&*repositories, "narrow", Some(1), None)
            .await
            .definition
            .id;
        let other = limited(&*repositories, "other", Some(1), None)
            .await
            .definition
            .id;
        let free = stored_task(&*repositories, "free").await;
        let important = |task| UnifiedJob {
            priority: JobPriority::Critical,
            ..job(task)
        };
        let many: Vec<_> = (0..3_000).map(|_| important(narrow)).collect();
        store(&*repositories, &many).await;
        assert_eq!(claimed(&*repositories, 10).await.len(), 1);
        assert_eq!(claimed(&*repositories, 10).await, []);
        let behind = [
            job(free),
            UnifiedJob {
                priority: JobPriority::Low,
                ..job(other)
            },
            keyed(free, "key"),
            keyed(narrow, "key"),
        ];
        store(&*repositories, &behind).await;
        for expected in [&behind[0], &behind[2], &behind[1]] {
            assert_eq!(
                ids(&claimed(&*repositories, 1).await),
                ids_of(std::slice::from_ref(expected))
            );
        }
        assert_eq!(claimed(&*repositories, 10).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_gate_lets_as_many_through_at_once_as_it_has_room_for() {
    on_each_database(async |repositories| {
        let wide = limited(&*repositories, "wide", Some(400), None)
            .await
            .definition
            .id;
        let jobs: Vec<_> = (0..500).map(|_| job(wide)).collect();
        store(&*repositories, &jobs).await;
        // Fewer than asked for means that no more may run: nobody would ask again.
        assert_eq!(claimed(&*repositories, 300).await.len(), 300);
        assert_eq!(claimed(&*repositories, 300).await.len(), 100);
        assert_eq!(claimed(&*repositories, 300).await, []);
    })
    .await;
}

#[tokio::test]
async fn the_most_important_goes_first_whether_a_limit_stands_before_it_or_not() {
    on_each_database(async |repositories| {
        let narrow = limited(&*repositories, "narrow", Some(10), None)
            .await
            .definition
            .id;
        let free = stored_task(&*repositories, "free").await;
        let with = |task, priority, second| UnifiedJob {
            priority,
            run_after: at(second),
            ..job(task)
        };
        use JobPriority::{Critical, High, Low, Normal};
        let in_order = [
            with(free, Critical, 5),
            with(narrow, Critical, 6),
            with(narrow, High, 1),
            keyed(free, "key"),
            with(free, Normal, 2),
            with(narrow, Normal, 3),
            with(narrow, Low, -50),
            with(free, Low, -40),
        ];
        let mut stored = in_order.to_vec();
        stored.reverse();
        store(&*repositories, &stored).await;
        let mut order = Vec::new();
        for limit in [1, 2, 3, 10] {
            let some = claimed(&*repositories, limit).await;
            order.extend(some.iter().map(|claimed| claimed.job.id));
        }
        assert_eq!(order, in_order.map(|job| job.id));
    })
    .await;
}

/// Several claim at the same time and let jobs end, until none is left. What runs is counted after each claim.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_claim_at_the_same_time_exceed_no_limit() {
    on_each_database(async |repositories| {
        let narrow = limited(&*repositories, "narrow", Some(2), None)
            .await
            .definition
            .id;
        let keys = limited(&*repositories, "keys", Some(4), Some(2))
            .await
            .definition
            .id;
        let mut jobs: Vec<_> = (0..30).map(|_| job(narrow)).collect();
        jobs.extend((0..30).map(|number| keyed(keys, ["a", "b", "c"][number % 3])));
        jobs.extend((0..10).map(|_| keyed(narrow, "a")));
        store(&*repositories, &jobs).await;
        let answers = at_once(0..4, |_| {
            let repositories = Arc::clone(&repositories);
            async move {
                let mut mine = Vec::new();
                loop {
                    let some = claimed(&*repositories, 3).await;
                    assert_limits(&*repositories, narrow, keys).await;
                    let ends: Vec<_> = some.iter().map(|claimed| outcome(claimed, succeeded())).collect();
                    repositories.jobs().job_settle_many(&ends).await.unwrap();
                    mine.extend(some.into_iter().map(|claimed| claimed.job.id));
                    let waiting = JobFilter::of([JobCondition::Status(Choice::IsOneOf(vec![
                        JobStatus::Queued,
                        JobStatus::Processing,
                    ]))]);
                    let left = repositories.jobs();
                    let left = left
                        .job_list(&waiting, JobSort::default(), everything())
                        .await
                        .unwrap();
                    if left.total == 0 {
                        break mine;
                    }
                }
            }
        })
        .await;
        let mut done: Vec<JobId> = answers.into_iter().flatten().collect();
        assert_eq!(done.len(), jobs.len(), "no job was handed out twice");
        done.sort_unstable();
        done.dedup();
        assert_eq!(done.len(), jobs.len());
    })
    .await;
}

async fn assert_limits(repositories: &dyn RepositoryFactory, narrow: TaskId, keys: TaskId) {
    let processing = JobFilter::of([JobCondition::Status(Choice::Is(JobStatus::Processing))]);
    let list = repositories
        .jobs()
        .job_list(&processing, JobSort::default(), everything())
        .await
        .unwrap();
    let mut of_task: HashMap<TaskId, usize> = HashMap::new();
    let mut with_key: HashMap<String, usize> = HashMap::new();
    for job in list.items {
        *of_task.entry(job.task_id).or_default() += 1;
        if let Some(key) = job.concurrency_key {
            *with_key.entry(key).or_default() += 1;
        }
    }
    let of = |task| of_task.get(&task).copied().unwrap_or_default();
    assert!(of(narrow) <= 2 && of(keys) <= 4, "{of_task:?}");
    assert!(with_key.values().all(|count| *count <= 2), "{with_key:?}");
}

#[tokio::test]
async fn a_job_that_is_due_at_a_gate_has_no_instant_and_one_that_is_due_later_has() {
    on_each_database(async |repositories| {
        let narrow = limited(&*repositories, "narrow", Some(1), None)
            .await
            .definition
            .id;
        let jobs = repositories.jobs();
        store(&*repositories, &[job(narrow), job(narrow)]).await;
        claimed(&*repositories, 10).await;
        assert_eq!(jobs.job_next_run_after(at(100)).await.unwrap(), None);
        let later = UnifiedJob {
            run_after: at(300),
            ..job(narrow)
        };
        let between = UnifiedJob {
            run_after: at(200),
            ..keyed(narrow, "key")
        };
        store(&*repositories, &[later, between]).await;
        assert_eq!(jobs.job_next_run_after(at(100)).await.unwrap(), Some(at(200)));
        assert_eq!(jobs.job_next_run_after(at(200)).await.unwrap(), Some(at(300)));
        assert_eq!(jobs.job_next_run_after(at(300)).await.unwrap(), None);
        let free = stored_task(&*repositories, "free").await;
        let free = UnifiedJob {
            run_after: at(250),
            ..job(free)
        };
        store(&*repositories, &[free]).await;
        assert_eq!(jobs.job_next_run_after(at(200)).await.unwrap(), Some(at(250)));
        // What no limit stands before is named though it is due: somebody is to take it.
        assert_eq!(jobs.job_next_run_after(at(300)).await.unwrap(), Some(at(250)));
    })
    .await;
}

#[tokio::test]
async fn who_takes_a_running_job_away_makes_room_for_the_next() {
    on_each_database(async |repositories| {
        let narrow = limited(&*repositories, "narrow", Some(1), None)
            .await
            .definition
            .id;
        let jobs = repositories.jobs();
        store(&*repositories, &[job(narrow), job(narrow), job(narrow)]).await;
        let first = claimed(&*repositories, 10).await.remove(0);
        jobs.job_cancel(&cancel(first.job.id, true)).await.unwrap();
        let second = claimed(&*repositories, 10).await.remove(0);
        assert_ne!(second.job.id, first.job.id);
        let taken = jobs
            .job_reclaim_expired(NodeId::new(), at(160), "its lease ended")
            .await
            .unwrap();
        assert_eq!(taken.jobs, 1);
        assert_eq!(claimed(&*repositories, 10).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_jobs_of_ticks_and_triggers_wait_at_the_gate_of_their_task() {
    on_each_database(async |repositories| {
        let narrow = limited(&*repositories, "narrow", Some(1), None)
            .await
            .definition
            .id;
        let schedule = schedule("nightly", narrow);
        repositories.schedules().schedule_create(&schedule).await.unwrap();
        let ticks = repositories.ticks();
        ticks.tick_fire_many(&[firing(&schedule)]).await.unwrap();
        for outcome in [TickOutcome::Triggered, TickOutcome::Backfilled] {
            let runs = ManualRuns {
                schedule_id: schedule.id,
                outcome,
                reason: "by hand".into(),
                input: None,
                runs: vec![ManualRun {
                    job_id: JobId::new(),
                    instant: at(30),
                    run_after: at(61),
                }],
                decided_at: at(61),
            };
            ticks.tick_add_manual(&runs).await.unwrap();
        }
        store(&*repositories, &[job(narrow)]).await;
        let mut origins = HashSet::new();
        for _ in 0..4 {
            let mut some = claimed(&*repositories, 10).await;
            assert_eq!(some.len(), 1);
            let one = some.remove(0);
            origins.insert(one.job.origin.as_str());
            assert_eq!(settle(&*repositories, &one, succeeded()).await.released, 1);
        }
        assert_eq!(origins.len(), 4);
        assert_eq!(claimed(&*repositories, 10).await, []);
    })
    .await;
}

#[tokio::test]
async fn jobs_that_wait_follow_their_task_when_it_gets_a_limit_and_when_it_loses_it() {
    on_each_database(async |repositories| {
        let mut changing = limited(&*repositories, "changing", None, None).await;
        let id = changing.definition.id;
        let jobs = repositories.jobs();
        let forerunner = job(id);
        store(&*repositories, std::slice::from_ref(&forerunner)).await;
        let running = claimed(&*repositories, 10).await.remove(0);
        let blocked = stored_after(
            &*repositories,
            id,
            DependencyCondition::AllFinished,
            &[forerunner.id],
        )
        .await;
        let retrying = UnifiedJob {
            status: JobStatus::Retrying,
            ..job(id)
        };
        store(&*repositories, &[job(id), retrying, keyed(id, "key")]).await;

        changing.definition.limits.max_concurrent = Some(1);
        let tasks = repositories.tasks();
        tasks
            .task_upsert_many(std::slice::from_ref(&changing))
            .await
            .unwrap();
        assert_eq!(claimed(&*repositories, 10).await, []);
        assert_eq!(jobs.job_next_run_after(at(100)).await.unwrap(), None);
        // It was started when there was no limit; its end makes room all the same, beside what it releases.
        assert_eq!(settle(&*repositories, &running, succeeded()).await.released, 2);
        let mut started = claimed(&*repositories, 10).await;
        assert_eq!(started.len(), 1);
        let running = started.remove(0);
        assert_eq!(claimed(&*repositories, 10).await, []);

        changing.definition.limits.max_concurrent = None;
        tasks
            .task_upsert_many(std::slice::from_ref(&changing))
            .await
            .unwrap();
        let request = ClaimRequest {
            now: at(110),
            ..claim(NodeId::new(), 10)
        };
        let started = jobs.job_claim_many(request).await.unwrap().jobs;
        assert_eq!(started.len(), 3);
        assert!(ids(&started).contains(&blocked) || running.job.id == blocked);
    })
    .await;
}

#[tokio::test]
async fn a_raised_limit_counts_from_the_next_claim() {
    on_each_database(async |repositories| {
        let mut changing = limited(&*repositories, "changing", Some(1), None).await;
        let id = changing.definition.id;
        store(&*repositories, &(0..5).map(|_| job(id)).collect::<Vec<_>>()).await;
        assert_eq!(claimed(&*repositories, 10).await.len(), 1);
        changing.definition.limits.max_concurrent = Some(3);
        let tasks = repositories.tasks();
        tasks
            .task_upsert_many(std::slice::from_ref(&changing))
            .await
            .unwrap();
        assert_eq!(claimed(&*repositories, 10).await.len(), 2);
        changing.definition.limits.max_concurrent = Some(2);
        tasks.task_upsert_many(&[changing]).await.unwrap();
        assert_eq!(claimed(&*repositories, 10).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_failed_job_that_is_put_back_waits_at_the_gate_that_its_task_has_now() {
    on_each_database(async |repositories| {
        let mut changing = limited(&*repositories, "changing", None, None).await;
        let id = changing.definition.id;
        let jobs = repositories.jobs();
        store(&*repositories, &[job(id), job(id)]).await;
        let mut failures = Vec::new();
        for claimed in claimed(&*repositories, 10).await {
            settle(&*repositories, &claimed, failed()).await;
            failures.push(claimed.job.id);
        }
        changing.definition.limits.max_concurrent = Some(1);
        repositories
            .tasks()
            .task_upsert_many(std::slice::from_ref(&changing))
            .await
            .unwrap();
        let retried = jobs
            .job_retry_many(&failures, &JobFilter::default(), at(90), 10)
            .await
            .unwrap();
        assert_eq!(retried, failures);
        assert_eq!(claimed(&*repositories, 10).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_brings_jobs_at_gates_forward() {
    on_each_database(async |repositories| {
        let narrow = limited(&*repositories, "narrow", Some(1), None)
            .await
            .definition
            .id;
        let ahead = UnifiedJob {
            run_after: at(100) + TimeDelta::hours(1),
            queued_at: at(100) + TimeDelta::hours(1),
            ..job(narrow)
        };
        store(&*repositories, std::slice::from_ref(&ahead)).await;
        let jobs = repositories.jobs();
        assert_eq!(jobs.job_bring_forward(at(100), at(200)).await.unwrap(), 1);
        assert_eq!(found(&*repositories, ahead.id).await.run_after, at(100));
        assert_eq!(claimed(&*repositories, 10).await.len(), 1);
        assert_eq!(status(&*repositories, ahead.id).await, JobStatus::Processing);
    })
    .await;
}
