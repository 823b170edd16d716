//! Whole-system tests of Ratchet: this library starts, watches and kills the real binary; the tests are in `tests/`.
//!
//! The binary is the one that `RATCHET_BIN` names, which `cargo xtask test` sets after building it; otherwise the
//! one that lies beside the tests in the target folder.

mod each_database;
mod event_stream;
mod every_policy;
mod every_second;
mod private_disk;
mod random;
mod resources;
mod server_process;
mod stored;
mod task;
mod web_server;

pub use each_database::on_each_database;
pub use event_stream::{EventWatcher, ToldEvent};
pub use every_policy::EveryPolicy;
pub use every_second::EverySecond;
pub use private_disk::PrivateDisk;
pub use random::Random;
pub use resources::{memory_peak, memory_resident, open_files, threads};
pub use server_process::{Exit, HttpAnswer, ServerProcess, ratchet_binary};
pub use stored::{
    all_deliveries, all_executions, all_jobs, execute_sql, set_back_heartbeat, with_repositories,
    with_repositories_at,
};
pub use task::{store_task, task_named, write_task};
pub use web_server::{WebAnswer, WebRequest, WebServer};
