//! The table `jobs`, the queue.

mod claiming;
mod creating;
pub(crate) mod listing;
mod orphans;
mod settling;
