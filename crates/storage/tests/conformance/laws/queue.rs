//! The queue does what a naive model of it does, whatever is asked of it and in whatever order.

use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, CancelRequest, Cancellation, ClaimRequest, ClaimedJob,
    DependencyCondition, DependencyDecision, DependencyTally, JobCreation, JobDependencies, JobEvent,
    JobFilter, JobId, JobPriority, JobStatus, NodeId, RepositoryFactory, SettleOutcome, Task, TaskId,
    UnifiedJob,
};

use super::{Databases, for_all};
use crate::sample::{at, cancelled, failed, found, succeeded, task};

const CASES: u32 = 60;

/// What may be asked of the queue.
#[derive(Clone, Debug)]
enum Step {
    Create {
        task: usize,
        priority: JobPriority,
        delay: i64,
        key: Option<u8>,
        unique: Option<u8>,
        after: Option<(DependencyCondition, Vec<Index>)>,
    },
    Claim {
        limit: u32,
    },
    Settle {
        attempt: Index,
        end: End,
    },
    Cancel {
        job: Index,
        terminates: bool,
    },
    RetryFailed,
    Wait {
        seconds: i64,
    },
}

#[derive(Clone, Copy, Debug)]
enum End {
    Succeeded,
    Failed,
    Cancelled,
    HandedBack,
    Retry { delay: i64 },
}

impl End {
    /// Where the job stands that ended like this, by what is answered.
    fn told(self, settled: SettleOutcome) -> JobStatus {
        match (self, settled) {
            (_, SettleOutcome::LeaseLost) => panic!("it was the job's own attempt"),
            (_, SettleOutcome::CalledOff) => JobStatus::Cancelled,
            (Self::Succeeded, _) => JobStatus::Completed,
            (Self::Failed, _) => JobStatus::Failed,
            (Self::Cancelled, _) => JobStatus::Cancelled,
            (Self::HandedBack, _) => JobStatus::Queued,
            (Self::Retry { .. }, _) => JobStatus::Retrying,
        }
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let after = (
        select(DependencyCondition::ALL.to_vec()),
        vec(any::<Index>(), 1..3),
    );
    let create = (
        0..LIMITS.len(),
        select(JobPriority::ALL.to_vec()),
        0..20_i64,
        option::of(0..2_u8),
        option::weighted(0.2, 0..2_u8),
        option::weighted(0.3, after),
    )
        .prop_map(|(task, priority, delay, key, unique, after)| Step::Create {
            task,
            priority,
            delay,
            key,
            unique,
            after,
        });
    let end = prop_oneof![
        3 => Just(End::Succeeded),
        2 => Just(End::Failed),
        1 => Just(End::Cancelled),
        1 => Just(End::HandedBack),
        2 => (0..20_i64).prop_map(|delay| End::Retry { delay }),
    ];
    prop_oneof![
        6 => create,
        4 => select(vec![1, 2, 3, 100]).prop_map(|limit| Step::Claim { limit }),
        6 => (any::<Index>(), end).prop_map(|(attempt, end)| Step::Settle { attempt, end }),
        1 => (any::<Index>(), any::<bool>()).prop_map(|(job, terminates)| Step::Cancel { job, terminates }),
        1 => Just(Step::RetryFailed),
        2 => (1..15_i64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// Of each task, how many of its jobs run at once, and how many with the same key.
const LIMITS: [(Option<u32>, Option<u32>); 3] = [(None, None), (Some(2), None), (None, Some(2))];

/// A job as the model sees it.
#[derive(Clone, Debug)]
struct Job {
    id: JobId,
    task: usize,
    priority: JobPriority,
    run_after: DateTime<Utc>,
    key: Option<String>,
    unique: Option<String>,
    after: Option<(DependencyCondition, Vec<JobId>)>,
    status: JobStatus,
    attempts: u32,
    retry_count: u32,
    stops: bool,
}

impl Job {
    fn is_final(&self) -> bool {
        matches!(
            self.status,
            JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled
        )
    }

    fn is_waiting(&self) -> bool {
        matches!(self.status, JobStatus::Queued | JobStatus::Retrying)
    }
}

/// The queue in so few words that it can be seen to be right. It looks at every job for every step.
#[derive(Default)]
struct Model {
    jobs: Vec<Job>,
}

impl Model {
    fn job(&mut self, id: JobId) -> &mut Job {
        self.jobs.iter_mut().find(|job| job.id == id).unwrap()
    }

    fn holder_of(&self, unique: &str) -> Option<JobId> {
        let holds = |job: &&Job| job.unique.as_deref() == Some(unique) && !job.is_final();
        self.jobs.iter().find(holds).map(|job| job.id)
    }

    fn decide(&self, job: &Job) -> DependencyDecision {
        let Some((condition, after)) = &job.after else {
            return DependencyDecision::Run;
        };
        let mut tally = DependencyTally::default();
        for other in self.jobs.iter().filter(|other| after.contains(&other.id)) {
            match other.status {
                JobStatus::Completed => tally.completed += 1,
                JobStatus::Failed | JobStatus::Cancelled => tally.failed += 1,
                _ => tally.unfinished += 1,
            }
        }
        condition.decide(tally)
    }

    fn create(&mut self, mut job: Job) -> JobCreation {
        if let Some(holder) = job.unique.as_ref().and_then(|key| self.holder_of(key)) {
            return JobCreation::Duplicate(holder);
        }
        job.status = match self.decide(&job) {
            DependencyDecision::Wait => JobStatus::Blocked,
            DependencyDecision::Run => JobStatus::Queued,
            DependencyDecision::Cancel(_) => JobStatus::Cancelled,
        };
        let status = job.status;
        self.jobs.push(job);
        JobCreation::Created(status)
    }

    fn claim(&mut self, now: DateTime<Utc>, limit: usize) -> Vec<JobId> {
        let mut due: Vec<usize> = (0..self.jobs.len())
            .filter(|&place| self.jobs[place].is_waiting() && self.jobs[place].run_after <= now)
            .collect();
        due.sort_by_key(|&place| {
            let job = &self.jobs[place];
            (Reverse(job.priority), job.run_after, job.id)
        });
        let mut claimed = Vec::new();
        for place in due {
            if claimed.len() == limit {
                break;
            }
            let job = &self.jobs[place];
            let running = || self.jobs.iter().filter(|it| it.status == JobStatus::Processing);
            let (of_task, with_key) = LIMITS[job.task];
            let task_is_full = of_task
                .is_some_and(|most| running().filter(|it| it.task == job.task).count() >= most as usize);
            let key_is_full = job.key.is_some()
                && running().filter(|it| it.key == job.key).count() >= with_key.unwrap_or(1) as usize;
            if task_is_full || key_is_full {
                continue;
            }
            let job = &mut self.jobs[place];
            job.status = JobStatus::Processing;
            job.attempts += 1;
            claimed.push(job.id);
        }
        claimed
    }

    fn settle(&mut self, id: JobId, end: End, now: DateTime<Utc>) {
        let job = self.job(id);
        job.status = match end {
            End::Succeeded => JobStatus::Completed,
            End::Failed => JobStatus::Failed,
            End::Cancelled => JobStatus::Cancelled,
            End::HandedBack | End::Retry { .. } if job.stops => JobStatus::Cancelled,
            End::HandedBack => JobStatus::Queued,
            End::Retry { .. } => JobStatus::Retrying,
        };
        if let End::Retry { delay } = end {
            job.run_after = now + TimeDelta::seconds(delay);
            job.retry_count += u32::from(!job.stops);
        }
        if job.is_final() {
            self.ended(id, now);
        }
    }

    /// Decides about those that are after a job that has ended.
    fn ended(&mut self, id: JobId, now: DateTime<Utc>) {
        let waits = |job: &&Job| {
            let is_after = job.after.as_ref().is_some_and(|(_, after)| after.contains(&id));
            job.status == JobStatus::Blocked && is_after
        };
        let waiting: Vec<Job> = self.jobs.iter().filter(waits).cloned().collect();
        for job in waiting {
            match self.decide(&job) {
                DependencyDecision::Wait => {}
                DependencyDecision::Run => {
                    let job = self.job(job.id);
                    job.status = JobStatus::Queued;
                    job.run_after = job.run_after.max(now);
                }
                DependencyDecision::Cancel(_) => {
                    self.job(job.id).status = JobStatus::Cancelled;
                    self.ended(job.id, now);
                }
            }
        }
    }

    fn cancel(&mut self, id: JobId, terminates: bool, now: DateTime<Utc>) {
        let job = self.job(id);
        if job.is_final() {
            return;
        }
        if job.status == JobStatus::Processing && !terminates {
            job.stops = true;
            return;
        }
        job.status = JobStatus::Cancelled;
        self.ended(id, now);
    }

    /// In the order of their creation: of two with the same key, the first gets it.
    fn retry_failed(&mut self, now: DateTime<Utc>) {
        for place in 0..self.jobs.len() {
            let job = &self.jobs[place];
            let is_taken = job
                .unique
                .as_ref()
                .is_some_and(|key| self.holder_of(key).is_some());
            if job.status == JobStatus::Failed && !is_taken {
                let job = &mut self.jobs[place];
                job.status = JobStatus::Queued;
                job.retry_count = 0;
                job.run_after = now;
                job.stops = false;
            }
        }
    }
}

/// The model beside the real queue, and what the steps need of both.
struct Pair<'a> {
    repositories: &'a dyn RepositoryFactory,
    model: Model,
    tasks: Vec<TaskId>,
    node: NodeId,
    now: DateTime<Utc>,
    /// Every attempt that was ever made, the ended ones too.
    attempts: Vec<ClaimedJob>,
    /// The attempt that runs, of each job that runs.
    running: HashMap<JobId, ClaimedJob>,
    /// Where each job stands by what the answers said.
    told: HashMap<JobId, JobStatus>,
}

impl Pair<'_> {
    async fn take(&mut self, step: &Step) {
        match step {
            Step::Create {
                task,
                priority,
                delay,
                key,
                unique,
                after,
            } => {
                let known = &self.model.jobs;
                let after = after
                    .as_ref()
                    .filter(|_| !known.is_empty())
                    .map(|(condition, after)| {
                        let mut after: Vec<JobId> = after.iter().map(|it| it.get(known).id).collect();
                        after.sort_unstable();
                        after.dedup();
                        (*condition, after)
                    });
                let id = JobId::new();
                self.create(Job {
                    id,
                    task: *task,
                    priority: *priority,
                    run_after: self.now + TimeDelta::seconds(*delay),
                    // Keys are of one task each, so that whoever is behind a gate may run as soon as another of them may.
                    key: key
                        .filter(|_| LIMITS[*task].0.is_none())
                        .map(|key| format!("{task} {key}")),
                    unique: unique.map(|key| key.to_string()),
                    after,
                    status: JobStatus::Queued,
                    attempts: 0,
                    retry_count: 0,
                    stops: false,
                })
                .await;
            }
            Step::Claim { limit } => self.claim(*limit).await,
            Step::Settle { attempt, end } => {
                if !self.attempts.is_empty() {
                    let attempt = attempt.get(&self.attempts).clone();
                    self.settle(attempt, *end).await;
                }
            }
            Step::Cancel { job, terminates } => {
                if !self.model.jobs.is_empty() {
                    let id = job.get(&self.model.jobs).id;
                    self.cancel(id, *terminates).await;
                }
            }
            Step::RetryFailed => {
                let jobs = self.repositories.jobs();
                let all = JobFilter::default();
                for job in jobs.job_retry_many(&[], &all, self.now, 1_000).await.unwrap() {
                    self.is_told(job, None, JobStatus::Queued);
                }
                self.model.retry_failed(self.now);
            }
            Step::Wait { seconds } => self.now += TimeDelta::seconds(*seconds),
        }
    }

    async fn create(&mut self, job: Job) {
        let stored = UnifiedJob {
            id: job.id,
            priority: job.priority,
            run_after: job.run_after,
            concurrency_key: job.key.clone(),
            unique_key: job.unique.clone(),
            after: job.after.as_ref().map(|(condition, _)| *condition),
            ..UnifiedJob::new(self.tasks[job.task], serde_json::json!(null), self.now)
        };
        let dependencies: Vec<_> = job
            .after
            .iter()
            .map(|(_, after)| JobDependencies {
                job_id: job.id,
                after: after.clone(),
            })
            .collect();
        let id = job.id;
        let created = self
            .repositories
            .jobs()
            .job_create_many(&[stored], &dependencies)
            .await
            .unwrap();
        assert_eq!(created, [self.model.create(job)]);
        if let JobCreation::Created(status) = created[0] {
            self.told.insert(id, status);
        }
    }

    async fn claim(&mut self, limit: u32) {
        let request = ClaimRequest {
            node: self.node,
            now: self.now,
            limit,
            aged: 0,
            lease_until: self.now + TimeDelta::minutes(1),
        };
        let claimed = self
            .repositories
            .jobs()
            .job_claim_many(request)
            .await
            .unwrap()
            .jobs;
        let ids: Vec<JobId> = claimed.iter().map(|claimed| claimed.job.id).collect();
        assert_eq!(ids, self.model.claim(self.now, limit as usize));
        for claimed in claimed {
            self.is_told(claimed.job.id, None, JobStatus::Processing);
            self.running.insert(claimed.job.id, claimed.clone());
            self.attempts.push(claimed);
        }
    }

    async fn settle(&mut self, attempt: ClaimedJob, end: End) {
        let id = attempt.job.id;
        let result = match end {
            End::Succeeded => succeeded(),
            End::Failed => failed(),
            End::Cancelled => cancelled(),
            End::HandedBack => AttemptResult::HandedBack {
                reason: "the server stops".to_owned(),
            },
            End::Retry { delay } => AttemptResult::Retry {
                error: "not yet".to_owned(),
                run_after: self.now + TimeDelta::seconds(delay),
            },
        };
        let outcome = AttemptOutcome::new(id, attempt.execution_id, self.node, result, self.now);
        let settled = self
            .repositories
            .jobs()
            .job_settle_many(&[outcome])
            .await
            .unwrap();
        let counts = self
            .running
            .get(&id)
            .is_some_and(|running| running.execution_id == attempt.execution_id);
        if counts {
            let [settled_as] = settled.outcomes[..] else {
                panic!("{settled:?}")
            };
            self.is_told(id, Some(JobStatus::Processing), end.told(settled_as));
            self.running.remove(&id);
            self.model.settle(id, end, self.now);
        } else {
            assert_eq!(settled.outcomes, [SettleOutcome::LeaseLost]);
        }
        self.are_told(&settled.changed);
    }

    async fn cancel(&mut self, id: JobId, terminates: bool) {
        let request = CancelRequest {
            job_id: id,
            reason: "called off".to_owned(),
            terminates,
            at: self.now,
        };
        let came_of_it = self.repositories.jobs().job_cancel(&request).await.unwrap();
        self.model.cancel(id, terminates, self.now);
        if let Cancellation::Cancelled { was_running, changed } = came_of_it {
            assert_eq!(self.running.remove(&id).is_some(), was_running);
            self.is_told(id, None, JobStatus::Cancelled);
            self.are_told(&changed);
        }
    }

    fn are_told(&mut self, changed: &[JobEvent]) {
        for job in changed {
            assert!(job.from.is_some() && job.at == self.now, "{job:?}");
            self.is_told(job.job_id, job.from, job.status);
        }
    }

    /// Each change is told once: what is told is never what was told before.
    fn is_told(&mut self, id: JobId, from: Option<JobStatus>, status: JobStatus) {
        let before = self.told.insert(id, status);
        assert_ne!(before, Some(status), "{id} is told twice to be {status}");
        assert!(
            from.is_none() || from == before,
            "{id} was {before:?}, not {from:?}"
        );
    }

    async fn compare(&self) {
        for job in &self.model.jobs {
            let stored = found(self.repositories, job.id).await;
            assert_eq!(
                (
                    stored.status,
                    stored.attempts,
                    stored.retry_count,
                    stored.run_after
                ),
                (job.status, job.attempts, job.retry_count, job.run_after),
                "{job:?}"
            );
            assert_eq!(self.told.get(&job.id), Some(&stored.status), "{job:?}");
            let attempt = self.running.get(&job.id).map(|attempt| attempt.execution_id);
            assert_eq!(stored.execution_id, attempt, "{job:?}");
        }
    }
}

#[test]
fn the_queue_does_what_its_model_does() {
    for_all(
        CASES,
        Databases::OneForEachCase,
        vec(any_step(), 1..60),
        async |repositories, steps| {
            let tasks: Vec<Task> = LIMITS
                .iter()
                .enumerate()
                .map(|(number, (max_concurrent, max_per_key))| {
                    let mut task = task(&format!("task {number}"));
                    task.definition.limits.max_concurrent = *max_concurrent;
                    task.definition.limits.max_per_key = *max_per_key;
                    task
                })
                .collect();
            repositories.tasks().task_upsert_many(&tasks).await.unwrap();
            let mut pair = Pair {
                repositories: &*repositories,
                model: Model::default(),
                tasks: tasks.iter().map(|task| task.definition.id).collect(),
                node: NodeId::new(),
                now: at(0),
                attempts: Vec::new(),
                running: HashMap::new(),
                told: HashMap::new(),
            };
            for step in &steps {
                pair.take(step).await;
            }
            pair.compare().await;
        },
    );
}
