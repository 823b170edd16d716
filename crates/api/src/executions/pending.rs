//! Executions that have not begun are none yet: in a list, the jobs that wait stand for them, where it asks for PENDING.

use ratchet_interfaces::{
    Bound, Choice, ExecutionCondition, ExecutionFilter, ExecutionSort, Filter, JobCondition, JobFilter,
    JobId, JobSort, JobStatus,
};

use crate::executions::Standing;

/// What a row of a list must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Of(ExecutionCondition),
    Standing(Choice<Standing>),
}

#[cfg(test)]
impl Asked {
    /// The name of the field, as the conditions have it.
    pub(crate) fn field(&self) -> &'static str {
        match self {
            Self::Of(condition) => condition.field(),
            Self::Standing(_) => "status",
        }
    }
}

/// What there is to look for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sought {
    /// Executions that have begun; none are sought where only PENDING is asked for.
    pub(super) begun: Option<ExecutionFilter>,
    /// Jobs that wait.
    pub(super) waiting: Option<JobFilter>,
}

const WAITING: [JobStatus; 4] = [
    JobStatus::Queued,
    JobStatus::Retrying,
    JobStatus::Buffered,
    JobStatus::Blocked,
];

impl Sought {
    pub(super) fn of(asked: &Filter<Asked>) -> Self {
        let asked = asked.conditions();
        let standings = || {
            asked.iter().filter_map(|asked| match asked {
                Asked::Standing(choice) => Some(choice),
                Asked::Of(_) => None,
            })
        };
        let is_named = standings().any(|choice| match choice {
            Choice::Is(one) => *one == Standing::Pending,
            Choice::IsOneOf(some) => some.contains(&Standing::Pending),
            Choice::IsNot(_) => false,
        });
        let may_be_pending = is_named && standings().all(|choice| choice.is_met_by(Some(&Standing::Pending)));
        let is_nothing_else = standings().any(|choice| match choice {
            Choice::Is(one) => *one == Standing::Pending,
            Choice::IsOneOf(some) => some.iter().all(|one| *one == Standing::Pending),
            Choice::IsNot(_) => false,
        });
        let begun = asked.iter().map(|asked| match asked {
            Asked::Of(condition) => condition.clone(),
            Asked::Standing(choice) => Standing::condition(choice.clone()),
        });
        Self {
            begun: (!is_nothing_else).then(|| Filter::of(begun)),
            waiting: if may_be_pending { waiting(asked) } else { None },
        }
    }
}

/// In the order of the list, as far as there is one among those that have not begun.
pub(super) const fn order(sort: ExecutionSort) -> JobSort {
    match sort {
        ExecutionSort::Started(order) | ExecutionSort::CompletedAt(order) => JobSort::QueuedAt(order),
    }
}

/// The jobs that wait and whose next executions are so; `None` where none can be.
fn waiting(asked: &[Asked]) -> Option<JobFilter> {
    let mut filter = Filter::of([JobCondition::Status(Choice::IsOneOf(WAITING.to_vec()))]);
    for asked in asked {
        let Asked::Of(condition) = asked else { continue };
        let (is_met, condition) = match condition.clone() {
            ExecutionCondition::Id(id) => {
                // What has not begun has the id of its job.
                let job = |id: ratchet_interfaces::ExecutionId| JobId::from_uuid(id.as_uuid());
                (true, Some(JobCondition::Id(of_choice(id, job))))
            }
            ExecutionCondition::JobId(id) => (true, Some(JobCondition::Id(id))),
            ExecutionCondition::TaskId(id) => (true, Some(JobCondition::TaskId(id))),
            ExecutionCondition::Attempt(attempt) => (true, Some(JobCondition::Attempts(before(attempt)?))),
            ExecutionCondition::Error(text) => (true, Some(JobCondition::Error(text))),
            ExecutionCondition::ErrorKind(kind) => (true, Some(JobCondition::ErrorKind(kind))),
            ExecutionCondition::Node(node) => (node.is_met_by(None), None),
            ExecutionCondition::StartedAt(at) | ExecutionCondition::CompletedAt(at) => {
                (at.is_met_by(None), None)
            }
            ExecutionCondition::Duration(length) => (length.is_met_by(None), None),
            ExecutionCondition::Status(status) => (status.is_met_by(None), None),
        };
        if !is_met {
            return None;
        }
        filter.extend(condition);
    }
    Some(filter)
}

fn of_choice<A, B>(choice: Choice<A>, of: impl Fn(A) -> B) -> Choice<B> {
    match choice {
        Choice::Is(one) => Choice::Is(of(one)),
        Choice::IsNot(one) => Choice::IsNot(of(one)),
        Choice::IsOneOf(some) => Choice::IsOneOf(some.into_iter().map(of).collect()),
    }
}

/// The attempts before one that is so; `None` where there is no such attempt, since the first is 1.
fn before(attempt: Bound<u64>) -> Option<Bound<u64>> {
    Some(match attempt {
        Bound::Choice(Choice::Is(one)) => Bound::Choice(Choice::Is(one.checked_sub(1)?)),
        Bound::Choice(Choice::IsNot(0)) => Bound::AtLeast(0),
        Bound::Choice(Choice::IsNot(one)) => Bound::Choice(Choice::IsNot(one - 1)),
        Bound::Choice(Choice::IsOneOf(some)) => {
            let some = some.into_iter().filter_map(|one| one.checked_sub(1));
            Bound::Choice(Choice::IsOneOf(some.collect()))
        }
        Bound::AtLeast(least) => Bound::AtLeast(least.saturating_sub(1)),
        Bound::AtMost(most) => Bound::AtMost(most.checked_sub(1)?),
        Bound::Before(end) => Bound::Before(end.checked_sub(1)?),
    })
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{ExecutionId, ExecutionStatus, NodeId};

    use super::*;

    fn sought<const N: usize>(asked: [Asked; N]) -> Sought {
        Sought::of(&Filter::of(asked))
    }

    fn jobs<const N: usize>(conditions: [JobCondition; N]) -> Option<JobFilter> {
        let waiting = JobCondition::Status(Choice::IsOneOf(WAITING.to_vec()));
        Some(Filter::of([waiting].into_iter().chain(conditions)))
    }

    fn pending() -> Asked {
        Asked::Standing(Choice::Is(Standing::Pending))
    }

    #[test]
    fn jobs_that_wait_are_sought_where_pending_is_named() {
        let only = sought([pending()]);
        assert_eq!((only.begun, only.waiting), (None, jobs([])));
        let both = sought([Asked::Standing(Choice::IsOneOf(vec![
            Standing::Pending,
            Standing::Failed,
        ]))]);
        let failed = ExecutionCondition::Status(Choice::Is(ExecutionStatus::Failed));
        assert_eq!((both.begun, both.waiting), (Some(Filter::of([failed])), jobs([])));
        for asked in [
            Asked::Standing(Choice::Is(Standing::Failed)),
            Asked::Standing(Choice::IsNot(Standing::Failed)),
            Asked::Standing(Choice::IsNot(Standing::Pending)),
        ] {
            let begun = sought([asked]);
            assert!(begun.begun.is_some() && begun.waiting.is_none(), "{begun:?}");
        }
        let nothing = sought([pending(), Asked::Standing(Choice::IsNot(Standing::Pending))]);
        assert_eq!((nothing.begun, nothing.waiting), (None, None));
    }

    #[test]
    fn what_is_asked_of_an_execution_is_asked_of_the_job_that_stands_for_it() {
        let id = ExecutionId::new();
        let of = |condition| sought([pending(), Asked::Of(condition)]).waiting;
        assert_eq!(
            of(ExecutionCondition::Id(Choice::Is(id))),
            jobs([JobCondition::Id(Choice::Is(JobId::from_uuid(id.as_uuid())))])
        );
        let second = Bound::Choice(Choice::Is(2));
        assert_eq!(
            of(ExecutionCondition::Attempt(second)),
            jobs([JobCondition::Attempts(Bound::Choice(Choice::Is(1)))])
        );
        assert_eq!(of(ExecutionCondition::Attempt(Bound::AtMost(0))), None);
        let node = NodeId::new();
        assert_eq!(of(ExecutionCondition::Node(Choice::Is(node))), None);
        assert_eq!(of(ExecutionCondition::Node(Choice::IsNot(node))), jobs([]));
        let instant = Bound::AtLeast(chrono::DateTime::UNIX_EPOCH);
        assert_eq!(of(ExecutionCondition::StartedAt(instant)), None);
    }
}
