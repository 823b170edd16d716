//! Who sends a request, and whether they may.

mod access;
mod admit;
mod caller;
mod known;
mod permit;
mod secret;

pub(crate) use access::Access;
pub(crate) use admit::{Gate, admit};
pub(crate) use caller::Caller;
pub(crate) use permit::Permit;
pub(crate) use secret::IssuedToken;

#[cfg(test)]
mod tests;
