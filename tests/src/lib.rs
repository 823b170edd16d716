//! Whole-system tests of Ratchet: this library starts, watches and kills the real binary; the tests are in `tests/`.
//!
//! The binary is the one that `RATCHET_BIN` names, which `cargo xtask test` sets after building it; otherwise the
//! one that lies beside the tests in the target folder.

mod every_policy;
mod every_second;
mod private_disk;
mod server_process;
mod stored;
mod task;

pub use every_policy::EveryPolicy;
pub use every_second::EverySecond;
pub use private_disk::PrivateDisk;
pub use server_process::{Exit, ServerProcess, ratchet_binary};
pub use stored::{execute_sql, set_back_heartbeat, with_repositories};
pub use task::store_task;
