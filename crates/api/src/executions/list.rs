use ratchet_interfaces::{ExecutionFilter, ExecutionStatus};

use crate::list::{Filter, Listed, Offer, Setter};
use crate::named::Named;

/// The list of executions.
#[derive(Debug)]
pub(super) struct Executions;

impl Listed for Executions {
    type Filter = ExecutionFilter;
    type Sort = ();
    const OFFER: Offer<ExecutionFilter, ()> = Offer {
        filters: &[
            Filter::is(
                "jobId",
                Setter::Id(|filter, id| filter.job_id = Some(id.into())),
                "Of this job.",
            ),
            Filter::is(
                "status",
                Setter::Name {
                    names: ExecutionStatus::wire_names,
                    set: |filter, name| {
                        filter.status = Some(ExecutionStatus::of_wire_name(name)?);
                        Ok(())
                    },
                },
                "In this state.",
            ),
        ],
        sorts: &[],
        default_order: "the one that was started last first",
    };
}
