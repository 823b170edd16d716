use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::pin;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, Claim, ClaimRequest, ClaimedJob, Recovery, RepositoryError, Signal, TaskId,
};
use tokio::sync::mpsc;
use tracing::warn;

use super::Context;
use super::attempt::Attempt;
use super::event::{Facts, tell_of_starts};
use super::leases::LEASE;
use super::load::{Load, Mark};
use super::roster::Assignment;
use super::run_monitor::RunMonitor;
use crate::lifecycle::{Phase, PhaseWatch};
use crate::outage::Outage;
use crate::rest::{Look, Rest};
use crate::set_back::SetBack;

/// The most jobs of one claim: its transaction must not keep the scheduler's ticks waiting.
const MAX_CLAIM: usize = 1_000;

/// Of so many jobs that are claimed, one is taken for its age.
const AGED_SHARE: u32 = 8;

const EXPIRED: &str = "the process that ran it did not renew its lease";

const LOST_CLAIM: &str = "the answer to its claim was lost";

const STOPPING: &str = "the server is stopping";

/// The claim loop. It executes no statement but after a signal, at a known instant, or when a slot became free while
/// more jobs may be waiting.
pub(super) struct Claimer {
    context: Arc<Context>,
    load: Arc<Load>,
    /// How many jobs are expected to end during the next claim.
    ahead: usize,
    /// When the claim before began.
    before: Option<Mark>,
    /// How many jobs were claimed since one was taken for its age.
    since_aged: u32,
    outcomes: mpsc::Sender<AttemptOutcome>,
    teller: mpsc::UnboundedSender<Arc<RunMonitor>>,
    watch: PhaseWatch,
    outage: Outage,
    rest: Rest,
    set_back: SetBack,
    /// Whether a claim may have been committed that nothing is known of.
    lost_a_claim: bool,
}

impl Claimer {
    pub(super) fn new(
        context: Arc<Context>,
        outcomes: mpsc::Sender<AttemptOutcome>,
        teller: mpsc::UnboundedSender<Arc<RunMonitor>>,
        watch: PhaseWatch,
    ) -> Self {
        Self {
            load: Arc::new(Load::new(context.config.max_concurrent_jobs)),
            ahead: 0,
            before: None,
            since_aged: 0,
            teller,
            outage: Outage::none("claimer", context.stalls.clone(), Arc::clone(&context.clock)),
            rest: Rest::new(Arc::clone(&context.clock)),
            set_back: SetBack::new(&*context.clock),
            lost_a_claim: false,
            context,
            outcomes,
            watch,
        }
    }

    pub(super) async fn run(mut self) {
        let signal: Signal = self.context.jobs_available.clone();
        while let Some(free) = self.room().await {
            // Arm, then query, then wait. What was signalled so far is seen by the claim that follows, so it is
            // taken note of here and does not cause another.
            let mut armed = pin!(signal.arm());
            if armed.as_mut().enable() {
                armed.set(signal.arm());
            }
            let look = match self.claim(free).await {
                Ok(Some(look)) => look,
                Ok(None) => continue,
                Err((during, failure)) => {
                    self.outage
                        .pause(during, &failure, &self.watch, Phase::Draining)
                        .await;
                    continue;
                }
            };
            tokio::select! {
                biased;
                () = self.watch.reached(Phase::Draining) => return,
                () = armed => {}
                () = self.rest.after(look) => {}
            }
        }
    }

    /// Waits until there is room for jobs and says for how many; `None` when the pipeline stops.
    async fn room(&self) -> Option<usize> {
        tokio::select! {
            biased;
            () = self.watch.reached(Phase::Draining) => None,
            room = self.load.room(self.ahead) => Some(room.min(MAX_CLAIM)),
        }
    }

    /// How many of a claim are taken for their age: every so often one, however small the claims are.
    fn aged(&mut self, limit: u32) -> u32 {
        self.since_aged += limit;
        let aged = self.since_aged / AGED_SHARE;
        self.since_aged %= AGED_SHARE;
        aged
    }

    /// Claims and launches up to `limit` jobs. Returns what there is to wait for, or `None` when more may be waiting
    /// for a slot.
    async fn claim(&mut self, limit: usize) -> Result<Option<Look>, (&'static str, RepositoryError)> {
        self.recover_lost_claims().await?;
        self.bring_forward().await?;
        self.reclaim().await?;
        let at = self.context.clock.now();
        let wanted = u32::try_from(limit).expect("a claim is of a thousand jobs at the most");
        let request = ClaimRequest {
            node: self.context.node,
            now: at,
            limit: wanted,
            aged: self.aged(wanted),
            lease_until: at + LEASE,
        };
        let during = "claiming jobs";
        let looks = self.context.open_executions.looks();
        let begin = self.load.mark(self.context.clock.monotonic());
        let call = self.context.jobs.job_claim_many(request);
        let Some(answer) = self.watch.unless(Phase::GivingUp, call).await else {
            return Ok(None);
        };
        let Claim {
            jobs: claimed,
            changed,
        } = answer.map_err(|failure| {
            self.lost_a_claim |= failure.is_transient();
            (during, failure)
        })?;
        self.outage.is_over(during);
        let facts: Vec<Facts> = if self.context.events.listens() {
            claimed.iter().map(|claimed| Facts::of(claimed, at)).collect()
        } else {
            Vec::new()
        };
        if self.context.open_executions.open(&claimed, &facts, looks) {
            // One of these may have been asked to stop when it was on disk already, but not known here yet.
            self.context.jobs_stopping.raise();
        }

        let end = self.load.mark(self.context.clock.monotonic());
        let before = self.before.replace(begin).unwrap_or(begin);
        self.ahead = self.load.ahead_after(before, begin, end);
        let count = claimed.len();
        tell_of_starts(&*self.context.events, &facts, &changed);
        self.launch(claimed).await;
        if count >= limit || self.watch.has_reached(Phase::Draining) {
            return Ok(None);
        }
        let next = self.next_run_after().await?;
        Ok(Some(Look {
            at,
            found_work: count > 0,
            next,
        }))
    }

    /// Puts back what a claim took whose answer did not arrive: nobody runs it.
    async fn recover_lost_claims(&mut self) -> Result<(), (&'static str, RepositoryError)> {
        if !self.lost_a_claim {
            return Ok(());
        }
        // Only this loop opens executions, so every open one is in the list.
        let known = self.context.open_executions.list();
        let now = self.context.clock.now();
        let call = self
            .context
            .jobs
            .job_recover_lost_claims(self.context.node, &known, now, LOST_CLAIM);
        let Some(answer) = self.watch.unless(Phase::GivingUp, call).await else {
            return Ok(());
        };
        let Recovery { jobs, events } =
            answer.map_err(|failure| ("recovering jobs whose claim got no answer", failure))?;
        self.lost_a_claim = false;
        self.context.events.emit(&events);
        if jobs > 0 {
            warn!(
                jobs,
                "jobs that were claimed without an answer are back in the queue"
            );
        }
        Ok(())
    }

    /// Where other processes work on the same database, takes the jobs of those that have not renewed their leases.
    async fn reclaim(&mut self) -> Result<(), (&'static str, RepositoryError)> {
        if self.context.config.recovers_orphans {
            return Ok(());
        }
        let now = self.context.clock.now();
        let call = self
            .context
            .jobs
            .job_reclaim_expired(self.context.node, now, EXPIRED);
        let Some(answer) = self.watch.unless(Phase::GivingUp, call).await else {
            return Ok(());
        };
        let Recovery { jobs, events } =
            answer.map_err(|failure| ("reclaiming jobs whose lease has ended", failure))?;
        self.context.events.emit(&events);
        if jobs > 0 {
            warn!(
                jobs,
                "jobs whose process did not renew its leases are back in the queue"
            );
        }
        Ok(())
    }

    /// When the clock was set back, jobs must not wait until it is again as late as it was.
    async fn bring_forward(&mut self) -> Result<(), (&'static str, RepositoryError)> {
        if !self.set_back.is_due(&*self.context.clock) {
            return Ok(());
        }
        let now = self.context.clock.now();
        let longest = TimeDelta::from_std(self.context.config.retry.backoff.longest())
            .expect("a retry policy is capped at a week");
        let call = self.context.jobs.job_bring_forward(now, now + longest);
        let Some(answer) = self.watch.unless(Phase::GivingUp, call).await else {
            return Ok(());
        };
        let jobs = answer.map_err(|failure| ("bringing jobs forward", failure))?;
        self.set_back.is_over();
        if jobs > 0 {
            warn!(
                jobs,
                "the clock was set back: jobs that waited for what it showed before run sooner"
            );
        }
        Ok(())
    }

    async fn next_run_after(&self) -> Result<Option<DateTime<Utc>>, (&'static str, RepositoryError)> {
        let call = self.context.jobs.job_next_run_after(self.context.clock.now());
        let Some(answer) = self.watch.unless(Phase::GivingUp, call).await else {
            return Ok(None);
        };
        let next = answer.map_err(|failure| ("looking for the next job", failure))?;
        if self.context.config.recovers_orphans {
            return Ok(next);
        }
        let call = self.context.jobs.job_next_lease_end(self.context.node);
        let Some(answer) = self.watch.unless(Phase::GivingUp, call).await else {
            return Ok(next);
        };
        let lease_end = answer.map_err(|failure| ("looking for the next lease to end", failure))?;
        Ok(next.into_iter().chain(lease_end).min())
    }

    /// Starts an attempt for each job. Each distinct task is looked up once, now: what an operator disabled a moment
    /// ago does not run.
    async fn launch(&mut self, claimed: Vec<ClaimedJob>) {
        let mut assignments: HashMap<TaskId, Assignment> = HashMap::new();
        for claimed in claimed {
            let task_id = claimed.job.task_id;
            let assignment = match assignments.entry(task_id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    let found = self.context.assign(task_id, &mut self.outage, &self.watch).await;
                    unknown.insert(found)
                }
            };
            let unsettled = self.load.unsettled().await;
            if self.watch.has_reached(Phase::Draining) {
                self.hand_back(claimed).await;
                continue;
            }
            let assignment = assignment.of_job(claimed.job.queued_at);
            let attempt = Attempt::new(
                Arc::clone(&self.context),
                claimed,
                assignment,
                self.teller.clone(),
                self.watch.clone(),
            );
            tokio::spawn(attempt.run(
                self.load.slots(),
                self.outcomes.clone(),
                self.load.hold(),
                unsettled,
            ));
        }
    }

    /// Returns a job that was claimed while a stop began.
    async fn hand_back(&self, claimed: ClaimedJob) {
        let notice = self.context.open_executions.notice(claimed.execution_id);
        let outcome = AttemptOutcome::new(
            claimed.job.id,
            claimed.execution_id,
            self.context.node,
            notice.instead_of(AttemptResult::HandedBack {
                reason: STOPPING.to_owned(),
            }),
            self.context.clock.now(),
        );
        super::settler::submit(&self.outcomes, outcome).await;
    }
}
