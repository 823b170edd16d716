use std::sync::Arc;

use ratchet_interfaces::{AttemptResult, StopRequest};
use tokio::sync::watch;

use super::Context;
use crate::lifecycle::{Phase, PhaseWatch};
use crate::outage::Outage;

const DURING: &str = "looking up which jobs are to stop";

const CALLED_OFF: &str = "it was called off while it ran";

/// Tells running attempts that they are not to go on. It asks the database whenever somebody says that there is
/// something to ask.
pub(super) struct Stops {
    context: Arc<Context>,
    watch: PhaseWatch,
    outage: Outage,
}

impl Stops {
    pub(super) fn new(context: Arc<Context>, watch: PhaseWatch) -> Self {
        Self {
            outage: Outage::none(
                "stop requests",
                context.stalls.clone(),
                Arc::clone(&context.clock),
            ),
            context,
            watch,
        }
    }

    /// Tells until everything is broken off anyway.
    ///
    /// A signal stays raised until it is waited for, so one that arrives during a query causes another. There is
    /// nothing to ask before the first: a process begins without running jobs.
    pub(super) async fn run(mut self) {
        while self.is_signalled().await {
            self.ask().await;
        }
    }

    /// Waits for the signal; false when the pipeline breaks off what runs.
    async fn is_signalled(&self) -> bool {
        tokio::select! {
            biased;
            () = self.watch.reached(Phase::BreakingOff) => false,
            () = self.context.jobs_stopping.arm() => true,
        }
    }

    /// Asks until there is an answer. Each try is for what runs by then.
    async fn ask(&mut self) {
        while !self.watch.has_reached(Phase::BreakingOff) {
            let running = self.context.open_executions.look();
            let call = self.context.jobs.job_stop_requests(self.context.node, &running);
            match self.watch.unless(Phase::BreakingOff, call).await {
                Some(Ok(requests)) => {
                    self.outage.is_over(DURING);
                    for (execution, request) in requests {
                        self.context.open_executions.tell(execution, request);
                        if request == StopRequest::Terminate {
                            self.context.tell_if_called_off(execution).await;
                        }
                    }
                    return;
                }
                Some(Err(failure)) => {
                    self.outage
                        .pause(DURING, &failure, &self.watch, Phase::BreakingOff)
                        .await;
                }
                None => return,
            }
        }
    }
}

/// What one execution is told of being stopped: nothing, to stop, or that its job was taken away. It only rises.
#[derive(Clone)]
pub(super) struct StopNotice(Arc<watch::Sender<Option<StopRequest>>>);

impl Default for StopNotice {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl StopNotice {
    pub(super) fn post(&self, request: StopRequest) {
        self.0.send_if_modified(|told| {
            let is_news = match told {
                None => true,
                Some(StopRequest::Cancel) => request == StopRequest::Terminate,
                Some(StopRequest::Terminate) => false,
            };
            if is_news {
                *told = Some(request);
            }
            is_news
        });
    }

    /// Returns as soon as anything is told.
    pub(super) async fn posted(&self) {
        self.0
            .subscribe()
            .wait_for(Option::is_some)
            .await
            .expect("the sender is borrowed here");
    }

    /// Whether the job was taken away, so that nothing that comes of the execution counts.
    pub(super) fn is_terminated(&self) -> bool {
        *self.0.borrow() == Some(StopRequest::Terminate)
    }

    /// What an execution comes to that would leave its job in the queue: a job that was called off does not run again.
    pub(super) fn instead_of(&self, otherwise: AttemptResult) -> AttemptResult {
        if self.0.borrow().is_none() {
            return otherwise;
        }
        match otherwise {
            AttemptResult::HandedBack { .. } => AttemptResult::Cancelled {
                reason: CALLED_OFF.to_owned(),
            },
            AttemptResult::Retry { error, .. } => AttemptResult::Cancelled {
                reason: format!("{CALLED_OFF}, and is not tried again after it failed: {error}"),
            },
            last @ (AttemptResult::Succeeded { .. }
            | AttemptResult::Failed { .. }
            | AttemptResult::Cancelled { .. }) => last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_only_rises() {
        let notice = StopNotice::default();
        assert!(!notice.is_terminated());
        notice.post(StopRequest::Cancel);
        assert!(!notice.is_terminated());
        notice.post(StopRequest::Terminate);
        assert!(notice.is_terminated());
        notice.post(StopRequest::Cancel);
        assert!(notice.is_terminated());
    }
}
