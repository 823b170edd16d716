//! The table `jobs`, the queue.

mod aging;
mod bringing_forward;
mod cancelling;
mod changing;
mod claiming;
mod creating;
mod dependencies;
mod dependents;
mod depths;
mod gates;
mod leases;
pub(crate) mod listing;
mod lost_claims;
mod orphans;
mod pruning;
mod retrying;
mod settling;
mod unique_keys;
