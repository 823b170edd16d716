use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, CancelRequest, Cancellation, Claim, ClaimRequest, ClaimedJob, Delivery,
    DeliveryAttempt, DeliveryFilter, DeliveryId, DeliveryRepository, DeliverySort, DeliveryStatus, Event,
    Execution, ExecutionDeletion, ExecutionFilter, ExecutionId, ExecutionLogLine, ExecutionRepository,
    ExecutionSort, ExecutionStatistics, ExecutionStatus, JobChanges, JobCreation, JobDeletion,
    JobDependencies, JobEvent, JobFilter, JobId, JobPruning, JobRepository, JobSort, JobStatistics,
    JobStatus, JobUpdate, LogFilter, NodeId, Page, PageRequest, Progress, QueueDepths, Recovery,
    RepositoryError, ScheduleId, SettleOutcome, Settlement, StopRequest, Task, TaskDeletion, TaskFilter,
    TaskId, TaskRepository, TaskSort, TaskStatistics, UnifiedJob,
};
use tokio::sync::watch;

/// The tables that the executor touches, in memory, with a record of every statement.
pub(crate) struct FakeDatabase {
    state: Mutex<State>,
    changed: watch::Sender<()>,
    /// While it is true, settling waits: like a commit that takes long.
    pub(crate) settling_held: watch::Sender<bool>,
    /// While it is true, the answers to claims wait: they are on disk, but not known yet.
    pub(crate) claiming_held: watch::Sender<bool>,
    /// While it is true, looking up an execution waits.
    pub(crate) lookups_held: watch::Sender<bool>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) jobs: Vec<UnifiedJob>,
    pub(crate) tasks: HashMap<TaskId, Task>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) log: Vec<ExecutionLogLine>,
    pub(crate) delivery_attempts: Vec<DeliveryAttempt>,
    pub(crate) outputs: HashMap<JobId, serde_json::Value>,
    /// The verbs called, oldest first.
    pub(crate) statements: Vec<&'static str>,
    /// How many outcomes each settling transaction had.
    pub(crate) settled: Vec<usize>,
    /// Verbs that find the database away.
    pub(crate) away: Vec<&'static str>,
    /// Jobs that another process has locked: due, but not handed out.
    pub(crate) locked: bool,
    /// Verbs that the database refuses.
    pub(crate) refused: Vec<&'static str>,
    /// A verb in which the caller panics.
    pub(crate) panics: Option<&'static str>,
    /// Verbs whose next call is committed, but its answer is lost.
    pub(crate) answers_lost: Vec<&'static str>,
    /// The executions, each with its job.
    pub(crate) executions: HashMap<ExecutionId, Execution>,
    /// The schedules that the next settling transaction finds to have failed too often.
    pub(crate) pauses: Vec<ScheduleId>,
    /// A text that cannot be stored, wherever it appears.
    pub(crate) poison: Option<&'static str>,
}

impl State {
    pub(crate) fn job(&self, id: JobId) -> &UnifiedJob {
        self.jobs.iter().find(|job| job.id == id).unwrap()
    }

    pub(crate) fn count(&self, status: JobStatus) -> usize {
        self.jobs.iter().filter(|job| job.status == status).count()
    }

    /// Queues the first job that waited for this one, if this one is final and there is one.
    fn release(&mut self, ended: JobId, at: DateTime<Utc>) -> Option<JobEvent> {
        let (status, schedule) = (self.job(ended).status, self.job(ended).schedule_id);
        let is_final = matches!(
            status,
            JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled
        );
        let waits = |job: &&mut UnifiedJob| {
            job.status == JobStatus::Buffered && job.schedule_id.is_some() && job.schedule_id == schedule
        };
        match self.jobs.iter_mut().find(waits) {
            Some(job) if is_final => {
                job.status = JobStatus::Queued;
                Some(JobEvent::of(job, Some(JobStatus::Buffered), at))
            }
            _ => None,
        }
    }

    fn waiting(&self) -> impl Iterator<Item = &UnifiedJob> {
        self.jobs
            .iter()
            .filter(|job| matches!(job.status, JobStatus::Queued | JobStatus::Retrying))
    }
}

impl FakeDatabase {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::default(),
            changed: watch::Sender::new(()),
            settling_held: watch::Sender::new(false),
            claiming_held: watch::Sender::new(false),
            lookups_held: watch::Sender::new(false),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the database is as wanted; fails the test if that never happens.
    pub(crate) async fn until(&self, mut wanted: impl FnMut(&State) -> bool) {
        let mut changed = self.changed.subscribe();
        let wait = async {
            while !wanted(&self.state()) {
                changed.changed().await.unwrap();
            }
        };
        let patience = Duration::from_secs(20);
        let came = tokio::time::timeout(patience, wait).await;
        came.expect("the database never became as the test wants it");
    }

    /// Loses the answer, if it is to be lost.
    fn answer<T>(&self, state: &mut State, verb: &'static str, answer: T) -> Result<T, RepositoryError> {
        self.changed.send_replace(());
        match state.answers_lost.iter().position(|lost| *lost == verb) {
            Some(place) => {
                state.answers_lost.remove(place);
                Err(away(verb))
            }
            None => Ok(answer),
        }
    }

    fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedJob>, RepositoryError> {
        let mut state = self.enter("claim")?;
        let limit = if state.locked { 0 } else { request.limit as usize };
        let due: Vec<JobId> = state
            .waiting()
            .filter(|job| job.run_after <= request.now)
            .map(|job| job.id)
            .take(limit)
            .collect();
        let State { jobs, executions, .. } = &mut *state;
        let claimed = jobs
            .iter_mut()
            .filter(|job| due.contains(&job.id))
            .map(|job| {
                job.status = JobStatus::Processing;
                job.attempts += 1;
                job.lease_owner = Some(request.node);
                let execution = opened(job, request);
                let execution_id = execution.id;
                executions.insert(execution_id, execution);
                ClaimedJob {
                    job: job.clone(),
                    execution_id,
                }
            })
            .collect();
        self.answer(&mut state, "claim", claimed)
    }

    fn enter(&self, verb: &'static str) -> Result<MutexGuard<'_, State>, RepositoryError> {
        let mut state = self.state();
        state.statements.push(verb);
        self.changed.send_replace(());
        if state.away.contains(&verb) {
            return Err(away(verb));
        }
        if state.refused.contains(&verb) {
            return Err(RepositoryError::Refused {
                during: verb,
                source: "no such table".into(),
            });
        }
        assert_ne!(state.panics, Some(verb), "the test wants a panic");
        Ok(state)
    }
}

fn away(verb: &'static str) -> RepositoryError {
    RepositoryError::Unavailable {
        during: verb,
        source: "it is away".into(),
    }
}

fn text_of(result: &AttemptResult) -> String {
    match result {
        AttemptResult::Succeeded { output, .. } => output.to_string(),
        AttemptResult::Retry { error, .. } | AttemptResult::Failed { error } => error.clone(),
        AttemptResult::Cancelled { reason } | AttemptResult::HandedBack { reason } => reason.clone(),
    }
}

#[async_trait]
impl JobRepository for FakeDatabase {
    async fn job_create_many(
        &self,
        _: &[UnifiedJob],
        _: &[JobDependencies],
    ) -> Result<Vec<JobCreation>, RepositoryError> {
        unreachable!("the executor creates no job")
    }

    async fn job_find(&self, _: JobId) -> Result<Option<UnifiedJob>, RepositoryError> {
        unreachable!("the executor gets its jobs by claiming them")
    }

    async fn job_list(
        &self,
        _: &JobFilter,
        _: JobSort,
        _: PageRequest,
    ) -> Result<Page<UnifiedJob>, RepositoryError> {
        unreachable!("the executor lists no jobs")
    }

    async fn job_claim_many(&self, request: ClaimRequest) -> Result<Claim, RepositoryError> {
        let mut held = self.claiming_held.subscribe();
        let answer = self.claim(request);
        held.wait_for(|held| !held).await.unwrap();
        let (jobs, changed) = (answer?, Vec::new());
        Ok(Claim { jobs, changed })
    }

    async fn job_next_run_after(&self, _: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        let state = self.enter("next")?;
        Ok(state.waiting().map(|job| job.run_after).min())
    }

    async fn job_settle_many(&self, outcomes: &[AttemptOutcome]) -> Result<Settlement, RepositoryError> {
        let mut held = self.settling_held.subscribe();
        drop(self.enter("settle")?);
        held.wait_for(|held| !held).await.unwrap();
        let mut state = self.state();
        if let Some(poison) = state.poison
            && outcomes
                .iter()
                .any(|outcome| text_of(&outcome.result).contains(poison))
        {
            return Err(RepositoryError::Refused {
                during: "settling jobs",
                source: "a value cannot be stored".into(),
            });
        }
        state.settled.push(outcomes.len());
        let state = &mut *state;
        let mut settlement = Settlement {
            paused: std::mem::take(&mut state.pauses),
            ..Settlement::default()
        };
        for outcome in outcomes {
            let job = state
                .jobs
                .iter_mut()
                .find(|job| job.id == outcome.job_id)
                .unwrap();
            if job.status != JobStatus::Processing || job.lease_owner != Some(outcome.node) {
                settlement.outcomes.push(SettleOutcome::LeaseLost);
                continue;
            }
            job.lease_owner = None;
            if let Some(execution) = state.executions.get_mut(&outcome.execution_id) {
                execution.completed_at = Some(outcome.ended_at);
                execution.status = match &outcome.result {
                    AttemptResult::Succeeded { .. } => ExecutionStatus::Completed,
                    AttemptResult::Retry { .. } | AttemptResult::Failed { .. } => ExecutionStatus::Failed,
                    AttemptResult::Cancelled { .. } | AttemptResult::HandedBack { .. } => {
                        ExecutionStatus::Cancelled
                    }
                };
            }
            state.deliveries.extend_from_slice(&outcome.deliveries);
            state.log.extend_from_slice(&outcome.log);
            match &outcome.result {
                AttemptResult::Succeeded { output } => {
                    job.status = JobStatus::Completed;
                    state.outputs.insert(outcome.job_id, output.clone());
                }
                AttemptResult::Retry { error, run_after } => {
                    job.status = JobStatus::Retrying;
                    job.retry_count += 1;
                    job.error = Some(error.clone());
                    job.run_after = *run_after;
                }
                AttemptResult::Failed { error } => {
                    job.status = JobStatus::Failed;
                    job.error = Some(error.clone());
                }
                AttemptResult::Cancelled { reason } => {
                    job.status = JobStatus::Cancelled;
                    job.error = Some(reason.clone());
                }
                AttemptResult::HandedBack { reason } => {
                    job.status = JobStatus::Queued;
                    job.error = Some(reason.clone());
                }
            }
            let stops = state.job(outcome.job_id).stop_requested_at.is_some();
            let would_run_again = matches!(
                outcome.result,
                AttemptResult::Retry { .. } | AttemptResult::HandedBack { .. }
            );
            settlement.outcomes.push(if stops && would_run_again {
                let mut jobs = state.jobs.iter_mut();
                jobs.find(|job| job.id == outcome.job_id).unwrap().status = JobStatus::Cancelled;
                SettleOutcome::CalledOff
            } else {
                SettleOutcome::Settled
            });
            let released = state.release(outcome.job_id, outcome.ended_at);
            settlement.released += u64::from(released.is_some());
            settlement.changed.extend(released);
        }
        self.answer(state, "settle", settlement)
    }

    async fn job_stop_requests(
        &self,
        node: NodeId,
        running: &[ExecutionId],
    ) -> Result<Vec<(ExecutionId, StopRequest)>, RepositoryError> {
        let state = self.enter("stops")?;
        let requests = running.iter().filter_map(|id| {
            let execution = &state.executions[id];
            let job = state.job(execution.job_id);
            let is_ours = execution.status == ExecutionStatus::Running && job.lease_owner == Some(node);
            match job.stop_requested_at {
                _ if !is_ours => Some((*id, StopRequest::Terminate)),
                Some(_) => Some((*id, StopRequest::Cancel)),
                None => None,
            }
        });
        Ok(requests.collect())
    }

    async fn job_renew_leases(&self, node: NodeId, until: DateTime<Utc>) -> Result<u64, RepositoryError> {
        let mut state = self.enter("renew")?;
        let mut renewed = 0;
        for job in &mut state.jobs {
            if job.status == JobStatus::Processing && job.lease_owner == Some(node) {
                job.lease_until = Some(until);
                renewed += 1;
            }
        }
        Ok(renewed)
    }

    async fn job_reclaim_expired(
        &self,
        _: NodeId,
        _: DateTime<Utc>,
        _: &str,
    ) -> Result<Recovery, RepositoryError> {
        unreachable!("no other node runs here")
    }

    async fn job_next_lease_end(&self, _: NodeId) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        unreachable!("no other node runs here")
    }

    async fn job_cancel(&self, _: &CancelRequest) -> Result<Cancellation, RepositoryError> {
        unreachable!("the executor calls off no job")
    }

    async fn job_queue_depths(&self, _: DateTime<Utc>) -> Result<QueueDepths, RepositoryError> {
        unreachable!("the executor counts no jobs")
    }

    async fn job_retry_many(
        &self,
        _: &[JobId],
        _: &JobFilter,
        _: DateTime<Utc>,
        _: u32,
    ) -> Result<Vec<JobId>, RepositoryError> {
        unreachable!("the executor retries no job out of turn")
    }

    async fn job_dependencies(&self, _: JobId) -> Result<Vec<JobId>, RepositoryError> {
        unreachable!("the executor asks for no dependencies")
    }

    async fn job_find_many(&self, _: &[JobId]) -> Result<Vec<UnifiedJob>, RepositoryError> {
        unreachable!("the executor looks up one job at a time")
    }

    async fn job_find_by_unique_key(&self, _: &str) -> Result<Option<JobId>, RepositoryError> {
        unreachable!("the executor knows no keys")
    }

    async fn job_update(&self, _: JobId, _: &JobChanges) -> Result<JobUpdate, RepositoryError> {
        unreachable!("the executor changes no job by hand")
    }

    async fn job_delete(&self, _: JobId) -> Result<JobDeletion, RepositoryError> {
        unreachable!("the executor deletes no job")
    }

    async fn job_statistics(&self, _: DateTime<Utc>) -> Result<JobStatistics, RepositoryError> {
        unreachable!("the executor counts no jobs")
    }

    async fn job_prune(&self, _: JobPruning) -> Result<u64, RepositoryError> {
        unreachable!("the pipeline prunes no jobs")
    }

    async fn job_recover_orphans(
        &self,
        node: NodeId,
        now: DateTime<Utc>,
        reason: &str,
    ) -> Result<Recovery, RepositoryError> {
        let mut state = self.enter("recover")?;
        let mut recovery = Recovery::default();
        for job in &mut state.jobs {
            if job.status == JobStatus::Processing && job.lease_owner != Some(node) {
                put_back(job, reason, now, &mut recovery);
            }
        }
        Ok(recovery)
    }

    async fn job_recover_lost_claims(
        &self,
        node: NodeId,
        known: &[ExecutionId],
        now: DateTime<Utc>,
        reason: &str,
    ) -> Result<Recovery, RepositoryError> {
        let mut state = self.enter("recover claims")?;
        let State { jobs, executions, .. } = &mut *state;
        let lost = executions
            .values_mut()
            .filter(|execution| execution.status == ExecutionStatus::Running && execution.node == node)
            .filter(|execution| !known.contains(&execution.id));
        let mut recovery = Recovery::default();
        for execution in lost {
            execution.status = ExecutionStatus::Failed;
            execution.completed_at = Some(now);
            let job = jobs.iter_mut().find(|job| job.id == execution.job_id).unwrap();
            put_back(job, reason, now, &mut recovery);
        }
        self.changed.send_replace(());
        Ok(recovery)
    }

    async fn job_bring_forward(
        &self,
        now: DateTime<Utc>,
        latest_retry: DateTime<Utc>,
    ) -> Result<u64, RepositoryError> {
        let mut state = self.enter("forward")?;
        let mut brought = 0;
        for job in state
            .jobs
            .iter_mut()
            .filter(|job| is_stranded(job, now, latest_retry))
        {
            job.run_after = if job.status == JobStatus::Retrying {
                latest_retry
            } else {
                now
            };
            brought += 1;
        }
        Ok(brought)
    }
}

fn put_back(job: &mut UnifiedJob, reason: &str, now: DateTime<Utc>, recovery: &mut Recovery) {
    job.status = JobStatus::Queued;
    job.error = Some(reason.to_owned());
    recovery.jobs += 1;
    let event = JobEvent::of(job, Some(JobStatus::Processing), now);
    recovery.events.push(Event::Job(event));
}

/// Not the rule itself, which is the database's: as much of it as the tests show to matter to the executor.
fn is_stranded(job: &UnifiedJob, now: DateTime<Utc>, latest_retry: DateTime<Utc>) -> bool {
    match job.status {
        JobStatus::Queued => job.run_after > now && job.run_after <= job.queued_at,
        JobStatus::Retrying => job.run_after > latest_retry,
        _ => false,
    }
}

fn opened(job: &UnifiedJob, request: ClaimRequest) -> Execution {
    Execution {
        id: ExecutionId::new(),
        job_id: job.id,
        attempt: job.attempts,
        status: ExecutionStatus::Running,
        input: job.input.clone(),
        output: None,
        error: None,
        error_kind: None,
        progress: None,
        started_at: request.now,
        completed_at: None,
        duration: None,
        node: request.node,
    }
}

#[async_trait]
impl ExecutionRepository for FakeDatabase {
    async fn execution_find(&self, id: ExecutionId) -> Result<Option<Execution>, RepositoryError> {
        let mut held = self.lookups_held.subscribe();
        held.wait_for(|held| !held).await.unwrap();
        Ok(self.enter("execution")?.executions.get(&id).cloned())
    }

    async fn execution_list(
        &self,
        _: &ExecutionFilter,
        _: ExecutionSort,
        _: PageRequest,
    ) -> Result<Page<Execution>, RepositoryError> {
        unreachable!("the executor lists no executions")
    }

    async fn execution_tell(
        &self,
        lines: &[ExecutionLogLine],
        progress: &[(ExecutionId, Progress)],
    ) -> Result<(), RepositoryError> {
        let mut state = self.enter("tell")?;
        state.log.extend_from_slice(lines);
        for (id, progress) in progress {
            if let Some(execution) = state.executions.get_mut(id) {
                execution.progress = Some(progress.clone());
            }
        }
        Ok(())
    }

    async fn execution_delete(&self, _: ExecutionId) -> Result<ExecutionDeletion, RepositoryError> {
        unreachable!("the executor deletes no execution")
    }

    async fn execution_statistics(&self, _: DateTime<Utc>) -> Result<ExecutionStatistics, RepositoryError> {
        unreachable!("the executor counts no executions")
    }

    async fn execution_log_list(
        &self,
        _: ExecutionId,
        _: &LogFilter,
        _: PageRequest,
    ) -> Result<Page<ExecutionLogLine>, RepositoryError> {
        unreachable!("nothing prints here")
    }
}

#[async_trait]
impl TaskRepository for FakeDatabase {
    async fn task_upsert_many(&self, _: &[Task]) -> Result<(), RepositoryError> {
        unreachable!("the executor writes no task")
    }

    async fn task_find(&self, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        Ok(self.enter("task")?.tasks.get(&id).cloned())
    }

    async fn task_list(
        &self,
        _: &TaskFilter,
        _: TaskSort,
        _: PageRequest,
    ) -> Result<Page<Task>, RepositoryError> {
        unreachable!("the executor lists no tasks")
    }

    async fn task_find_latest(&self, _: &str) -> Result<Option<Task>, RepositoryError> {
        unreachable!("the executor knows a task by its id")
    }

    async fn task_remove_many(&self, _: &[TaskId], _: DateTime<Utc>) -> Result<u64, RepositoryError> {
        unreachable!("the executor removes no task")
    }

    async fn task_create(&self, _: &Task) -> Result<(), RepositoryError> {
        unreachable!("nobody here creates a task")
    }

    async fn task_update(&self, _: &Task) -> Result<Task, RepositoryError> {
        unreachable!("nobody here changes a task")
    }

    async fn task_delete_with_jobs(&self, _: TaskId, _: u32) -> Result<TaskDeletion, RepositoryError> {
        unreachable!("nobody here deletes jobs")
    }

    async fn task_versions(&self, _: &[String]) -> Result<Vec<(String, String)>, RepositoryError> {
        unreachable!("nobody here asks for versions")
    }

    async fn task_statistics(&self) -> Result<TaskStatistics, RepositoryError> {
        unreachable!("nobody here counts tasks")
    }

    async fn task_set_enabled(&self, _: TaskId, _: bool) -> Result<(), RepositoryError> {
        unreachable!("the executor enables no task")
    }

    async fn task_delete(&self, _: TaskId) -> Result<bool, RepositoryError> {
        unreachable!("the executor deletes no task")
    }
}

#[async_trait]
impl DeliveryRepository for FakeDatabase {
    async fn delivery_list_due(
        &self,
        now: DateTime<Utc>,
        limit: u32,
        under_way: &[DeliveryId],
        full_lanes: &[String],
    ) -> Result<Vec<Delivery>, RepositoryError> {
        let state = self.enter("due")?;
        Ok(state
            .deliveries
            .iter()
            .filter(|delivery| delivery.status == DeliveryStatus::Pending && delivery.next_attempt_at <= now)
            .filter(|delivery| !under_way.contains(&delivery.id))
            .filter(|delivery| !full_lanes.contains(&delivery.destination.lane()))
            .take(limit as usize)
            .cloned()
            .collect())
    }

    async fn delivery_next_attempt(
        &self,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        let state = self.enter("next")?;
        Ok(state
            .deliveries
            .iter()
            .filter(|delivery| delivery.status == DeliveryStatus::Pending)
            .map(|delivery| delivery.next_attempt_at)
            .filter(|next| *next > now)
            .min())
    }

    async fn delivery_bring_forward(&self, now: DateTime<Utc>) -> Result<u64, RepositoryError> {
        let mut state = self.enter("forward")?;
        let mut brought = 0;
        // Not the rule itself, which is the database's: here, what was never tried waits for nothing.
        for delivery in &mut state.deliveries {
            if delivery.status == DeliveryStatus::Pending
                && delivery.attempts == 0
                && delivery.next_attempt_at > now
            {
                delivery.next_attempt_at = now;
                brought += 1;
            }
        }
        Ok(brought)
    }

    async fn delivery_settle_many(
        &self,
        settled: &[(Delivery, DeliveryAttempt)],
    ) -> Result<(), RepositoryError> {
        let mut state = self.enter("settle")?;
        state.settled.push(settled.len());
        for (settled, attempt) in settled {
            let row = state
                .deliveries
                .iter_mut()
                .find(|row| row.id == settled.id)
                .unwrap();
            *row = settled.clone();
            state.delivery_attempts.push(attempt.clone());
        }
        self.changed.send_replace(());
        Ok(())
    }

    async fn delivery_find(&self, _: DeliveryId) -> Result<Option<Delivery>, RepositoryError> {
        unreachable!("the executor looks up no single delivery")
    }

    async fn delivery_list(
        &self,
        _: &DeliveryFilter,
        _: DeliverySort,
        _: PageRequest,
    ) -> Result<Page<Delivery>, RepositoryError> {
        unreachable!("the executor lists no deliveries")
    }

    async fn delivery_list_of_job(&self, _: JobId) -> Result<Vec<Delivery>, RepositoryError> {
        unreachable!("the executor lists no job's deliveries")
    }

    async fn delivery_attempt_list(
        &self,
        _: DeliveryId,
        _: PageRequest,
    ) -> Result<Page<DeliveryAttempt>, RepositoryError> {
        unreachable!("the executor reads no history")
    }

    async fn delivery_retry(&self, _: DeliveryId, _: DateTime<Utc>) -> Result<bool, RepositoryError> {
        unreachable!("the executor retries nothing that failed")
    }
}
