//! The table `tasks`.

mod changing;
mod listing;
mod removing;
mod storing;
