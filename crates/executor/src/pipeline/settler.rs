use std::sync::Arc;

use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, Event, ExecutionStatus, RepositoryError, ScheduleEvent,
    ScheduleTransition, SettleOutcome, Settlement, truncate_to_micros, with_causes,
};
use tokio::sync::mpsc;
use tracing::{error, warn};

use super::Context;
use super::event::Facts;
use crate::lifecycle::{Phase, PhaseWatch};
use crate::outage::Outage;

/// The most outcomes of one transaction.
const MAX_SETTLE: usize = 1_000;

const DURING: &str = "settling jobs";

/// Makes outcomes durable. Whatever accumulates during one transaction goes into the next.
pub(super) struct Settler {
    context: Arc<Context>,
    ended: mpsc::Receiver<AttemptOutcome>,
    watch: PhaseWatch,
    outage: Outage,
}

/// Gives an outcome to the settler.
pub(super) async fn submit(outcomes: &mpsc::Sender<AttemptOutcome>, outcome: AttemptOutcome) {
    if let Err(mpsc::error::SendError(outcome)) = outcomes.send(outcome).await {
        warn!(
            job.id = %outcome.job_id,
            "an attempt ended after the pipeline gave up settling; the next process recovers its job"
        );
    }
}

impl Settler {
    pub(super) fn new(
        context: Arc<Context>,
        ended: mpsc::Receiver<AttemptOutcome>,
        watch: PhaseWatch,
    ) -> Self {
        Self {
            outage: Outage::none("settler", context.stalls.clone(), Arc::clone(&context.clock)),
            context,
            ended,
            watch,
        }
    }

    /// Settles until nobody is left who could submit an outcome, or until the stop's patience is used up.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            batch.clear();
            let next = self.ended.recv_many(&mut batch, MAX_SETTLE);
            match self.watch.unless(Phase::GivingUp, next).await {
                None | Some(0) => return,
                Some(_) => self.settle(&batch).await,
            }
        }
    }

    /// Settles a batch. An outcome that the database refuses is isolated by halving, so that the others stand.
    async fn settle(&mut self, batch: &[AttemptOutcome]) {
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            match (self.try_settle(part).await, part) {
                (Ok(()), _) => {}
                (Err(failure), [outcome]) => self.settle_refused(outcome, &failure).await,
                (Err(_), _) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
            }
        }
    }

    /// Settles in place of an outcome that cannot be stored one that says so.
    async fn settle_refused(&mut self, outcome: &AttemptOutcome, failure: &RepositoryError) {
        let told = with_causes(failure);
        warn!(job.id = %outcome.job_id, error = told, "an attempt's result cannot be stored");
        let substitute = AttemptOutcome {
            result: without_unstorable(&outcome.result, &told),
            deliveries: Vec::new(),
            log: Vec::new(),
            ..outcome.clone()
        };
        if let Err(failure) = self.try_settle(std::slice::from_ref(&substitute)).await {
            error!(
                job.id = %outcome.job_id,
                error = %with_causes(&failure),
                "a job cannot be settled; the next process recovers it"
            );
        }
    }

    /// Settles all of them or none; waits while the database is away. Returns only what will not pass.
    async fn try_settle(&mut self, outcomes: &[AttemptOutcome]) -> Result<(), RepositoryError> {
        let mut repeated = false;
        loop {
            let call = self.context.jobs.job_settle_many(outcomes);
            match self.watch.unless(Phase::GivingUp, call).await {
                Some(Ok(settled)) => {
                    self.outage.is_over(DURING);
                    let facts = self.context.open_executions.close(outcomes);
                    self.announce(outcomes, &settled, &facts, repeated).await;
                    return Ok(());
                }
                Some(Err(failure)) if failure.is_transient() => {
                    repeated = true;
                    self.outage
                        .pause(DURING, &failure, &self.watch, Phase::GivingUp)
                        .await;
                }
                Some(Err(failure)) => return Err(failure),
                None => {}
            }
            if self.watch.has_reached(Phase::GivingUp) {
                warn!(
                    jobs = outcomes.len(),
                    "the pipeline gives up settling jobs; the next process recovers them"
                );
                return Ok(());
            }
        }
    }

    /// Wakes who waits for what was just committed. Of a call that was repeated, an earlier try may have been
    /// committed although its answer was lost; then this one finds nothing left to settle.
    async fn announce(
        &self,
        outcomes: &[AttemptOutcome],
        settlement: &Settlement,
        facts: &[Option<Facts>],
        repeated: bool,
    ) {
        let mut events = Vec::with_capacity(2 * facts.iter().flatten().count());
        let mut has_deliveries = repeated;
        let mut has_jobs = repeated || settlement.released > 0;
        for ((outcome, settled), facts) in outcomes.iter().zip(&settlement.outcomes).zip(facts) {
            if *settled == SettleOutcome::LeaseLost {
                let loss = self.loss(outcome, repeated).await;
                match (loss, facts) {
                    (Loss::SettledBefore, Some(facts)) => facts.push_end(&mut events, outcome, *settled),
                    (Loss::CalledOff | Loss::Unknown, Some(facts)) => self.context.tell_of_lost(*facts).await,
                    (_, None) => {}
                }
                if loss == Loss::Unknown {
                    warn!(
                        job.id = %outcome.job_id,
                        execution.id = %outcome.execution_id,
                        "an attempt's result is discarded: the job is no longer this process's"
                    );
                }
                continue;
            }
            if let Some(facts) = facts {
                facts.push_end(&mut events, outcome, *settled);
            }
            has_deliveries |= !outcome.deliveries.is_empty();
            match &outcome.result {
                // The retry may be due before what the claim loop waits for.
                AttemptResult::Retry { .. } => has_jobs = true,
                AttemptResult::Succeeded { .. }
                | AttemptResult::Failed { .. }
                | AttemptResult::Cancelled { .. }
                | AttemptResult::HandedBack { .. } => {}
            }
        }
        // Before anybody is woken by it, who would tell what came after.
        if self.context.events.listens() {
            let now = self.context.clock.now();
            events.extend(settlement.changed.iter().copied().map(Event::Job));
            events.extend(settlement.paused.iter().map(|schedule| {
                Event::Schedule(ScheduleEvent::bare(*schedule, ScheduleTransition::Paused, now))
            }));
            self.context.events.emit(&events);
        }
        if has_deliveries {
            self.context.deliveries_available.raise();
        }
        if has_jobs {
            self.context.jobs_available.raise();
        }
        for schedule in &settlement.paused {
            warn!(
                schedule.id = %schedule,
                "a schedule was paused because too many of its jobs failed in a row"
            );
        }
    }

    /// Why there was nothing to settle.
    async fn loss(&self, outcome: &AttemptOutcome, repeated: bool) -> Loss {
        let status = match &outcome.result {
            AttemptResult::Succeeded { .. } => ExecutionStatus::Completed,
            AttemptResult::Retry { .. } | AttemptResult::Failed { .. } => ExecutionStatus::Failed,
            AttemptResult::Cancelled { .. } | AttemptResult::HandedBack { .. } => ExecutionStatus::Cancelled,
        };
        match self.context.executions.execution_find(outcome.execution_id).await {
            Ok(Some(execution)) => {
                let is_settled = execution.status == status
                    && execution.node == outcome.node
                    && execution.completed_at == Some(truncate_to_micros(outcome.ended_at));
                match (is_settled, execution.status) {
                    (true, _) if repeated => Loss::SettledBefore,
                    (false, ExecutionStatus::Cancelled) => Loss::CalledOff,
                    _ => Loss::Unknown,
                }
            }
            Ok(None) => Loss::Unknown,
            Err(failure) => {
                warn!(
                    execution.id = %outcome.execution_id,
                    error = %with_causes(&failure),
                    "it cannot be told what became of an attempt"
                );
                Loss::Unknown
            }
        }
    }
}

/// Why an outcome was not settled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// An earlier try of the call has settled it.
    SettledBefore,
    /// The execution was called off by who took its job away.
    CalledOff,
    /// The job is another's, and it is not known why.
    Unknown,
}

/// The same decision about the job, without the values that came from the task.
fn without_unstorable(result: &AttemptResult, told: &str) -> AttemptResult {
    let error = format!("the result cannot be stored: {told}");
    match result {
        AttemptResult::Succeeded { .. } | AttemptResult::Failed { .. } => AttemptResult::Failed { error },
        AttemptResult::Retry { run_after, .. } => AttemptResult::Retry {
            error,
            run_after: *run_after,
        },
        AttemptResult::Cancelled { .. } => AttemptResult::Cancelled { reason: error },
        AttemptResult::HandedBack { .. } => AttemptResult::HandedBack { reason: error },
    }
}
