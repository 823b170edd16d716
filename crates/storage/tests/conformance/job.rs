//! The table `jobs`, the queue.

mod claiming;
mod creating;
mod listing;
mod orphans;
mod settling;
