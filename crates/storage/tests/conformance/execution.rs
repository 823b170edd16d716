//! The tables `executions` and `execution_logs`.

mod listing;
mod logging;
mod telling;
