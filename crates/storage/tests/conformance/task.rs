//! The table `tasks`.

mod listing;
mod removing;
mod storing;
