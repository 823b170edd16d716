//! The table `schedules`.

mod changing;
mod creating;
mod deleting;
mod following;
pub(crate) mod listing;
mod periods;
mod running;
mod statistics;
mod timing;
mod updating;
