//! What each command of the command line does.

pub(crate) mod cron;
pub(crate) mod migrate;
pub(crate) mod serve;
pub(crate) mod specification;
