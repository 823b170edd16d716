use ratchet_interfaces::{RepositoryError, SchedulePolicies};
use sea_orm::FromQueryResult;

use super::{Reading, reading};

/// The columns of a schedule that hold its policies.
#[derive(FromQueryResult)]
pub(crate) struct PolicyColumns {
    pub(crate) misfire_policy: String,
    pub(crate) grace_us: Option<i64>,
    pub(crate) catch_up_max: i64,
    pub(crate) catch_up_window_us: i64,
    pub(crate) overlap_policy: String,
    pub(crate) buffer_limit: i64,
    pub(crate) spread_us: i64,
    pub(crate) max_runs: Option<i64>,
    pub(crate) pause_after_failures: Option<i64>,
}

impl PolicyColumns {
    pub(crate) const NAMES: &str =
        "misfire_policy, grace_us, catch_up_max, catch_up_window_us, overlap_policy,
        buffer_limit, spread_us, max_runs, pause_after_failures";

    pub(crate) fn read(self, row: Reading<'_>) -> Result<SchedulePolicies, RepositoryError> {
        let Self {
            misfire_policy,
            grace_us,
            catch_up_max,
            catch_up_window_us,
            overlap_policy,
            buffer_limit,
            spread_us,
            max_runs,
            pause_after_failures,
        } = self;
        Ok(SchedulePolicies {
            misfire: row.name("misfire_policy", &misfire_policy)?,
            grace: grace_us.map(reading::delta),
            catch_up_max: row.number("catch_up_max", catch_up_max)?,
            catch_up_window: reading::delta(catch_up_window_us),
            overlap: row.name("overlap_policy", &overlap_policy)?,
            buffer_limit: row.number("buffer_limit", buffer_limit)?,
            spread: reading::delta(spread_us),
            max_runs: row.number_or_none("max_runs", max_runs)?,
            pause_after_failures: row.number_or_none("pause_after_failures", pause_after_failures)?,
        })
    }
}
