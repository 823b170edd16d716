//! The table `jobs`, the queue.

mod bringing_forward;
mod claiming;
mod creating;
pub(crate) mod listing;
mod lost_claims;
mod orphans;
mod settling;
