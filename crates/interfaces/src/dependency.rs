use crate::JobId;
use crate::name::named_enum;

named_enum! {
    /// What the jobs that another is after must have come to for it to be run.
    pub enum DependencyCondition: "condition on other jobs" {
        /// Each has completed.
        AllSucceeded = "all_succeeded",
        /// Each has ended, in whatever way.
        AllFinished = "all_finished",
        /// One has failed for good, or was cancelled.
        AnyFailed = "any_failed",
    }
}

/// That a job is not run before others have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobDependencies {
    /// The job.
    pub job_id: JobId,
    /// The jobs that it is after: one or more, each once.
    pub after: Vec<JobId>,
}

/// How the jobs stand that another is after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DependencyTally {
    /// How many have completed.
    pub completed: u64,
    /// How many have failed for good, or were cancelled.
    pub failed: u64,
    /// How many have not ended.
    pub unfinished: u64,
}

/// What is to be done about a job that is after others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependencyDecision {
    /// It waits on.
    Wait,
    /// It is put into the queue.
    Run,
    /// It is cancelled: what it waits for cannot be any more.
    Cancel(&'static str),
}

impl DependencyCondition {
    /// Decides by how the other jobs stand.
    ///
    /// ```
    /// use ratchet_interfaces::{DependencyCondition, DependencyDecision, DependencyTally};
    /// let tally = DependencyTally { completed: 2, ..DependencyTally::default() };
    /// assert_eq!(DependencyCondition::AllSucceeded.decide(tally), DependencyDecision::Run);
    /// ```
    #[must_use]
    pub const fn decide(self, tally: DependencyTally) -> DependencyDecision {
        let DependencyTally {
            completed: _,
            failed,
            unfinished,
        } = tally;
        match self {
            Self::AllSucceeded if failed > 0 => {
                DependencyDecision::Cancel("a job that it is after did not succeed")
            }
            Self::AnyFailed if failed > 0 => DependencyDecision::Run,
            _ if unfinished > 0 => DependencyDecision::Wait,
            Self::AllSucceeded | Self::AllFinished => DependencyDecision::Run,
            Self::AnyFailed => {
                DependencyDecision::Cancel("all jobs that it is after succeeded, and it waited for a failure")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use DependencyCondition::{AllFinished, AllSucceeded, AnyFailed};
    use DependencyDecision::{Cancel, Run, Wait};

    use super::*;

    #[test]
    fn each_condition_is_decided_as_soon_as_it_can_be() {
        let decide = |condition: DependencyCondition, completed, failed, unfinished| match condition.decide(
            DependencyTally {
                completed,
                failed,
                unfinished,
            },
        ) {
            Cancel(_) => "cancel",
            Run => "run",
            Wait => "wait",
        };
        for (completed, failed, unfinished, succeeded, finished, any_failed) in [
            (0, 0, 1, "wait", "wait", "wait"),
            (1, 0, 1, "wait", "wait", "wait"),
            (0, 1, 1, "cancel", "wait", "run"),
            (1, 1, 0, "cancel", "run", "run"),
            (2, 0, 0, "run", "run", "cancel"),
        ] {
            let of = |condition| decide(condition, completed, failed, unfinished);
            assert_eq!(
                (of(AllSucceeded), of(AllFinished), of(AnyFailed)),
                (succeeded, finished, any_failed),
                "{completed} completed, {failed} failed, {unfinished} unfinished"
            );
        }
    }
}
