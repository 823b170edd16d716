//! The table `schedules`.

mod creating;
mod deleting;
mod listing;
mod running;
mod timing;
mod updating;
