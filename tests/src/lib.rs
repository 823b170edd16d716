//! Whole-system tests of Ratchet: this library starts, watches and kills the real binary; the tests are in `tests/`.
//!
//! The binary is the one that `RATCHET_BIN` names, which `cargo xtask test` sets after building it; otherwise the
//! one that lies beside the tests in the target folder.

mod server_process;

pub use server_process::{Exit, ServerProcess, ratchet_binary};
