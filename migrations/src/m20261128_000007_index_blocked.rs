//! An index of the jobs that wait for others to end, which metrics count and lists show.
//!
//! Few jobs ever wait so, and only these have an entry: all others cost no more than a look at their status.

use crate::steps::Steps;

pub(crate) const INDEX_BLOCKED: Steps = Steps {
    name: "m20261128_000007_index_blocked",
    up: &["CREATE INDEX jobs_blocked ON jobs (queued_at, id) WHERE status = 'blocked'"],
    down: &["DROP INDEX jobs_blocked"],
};
