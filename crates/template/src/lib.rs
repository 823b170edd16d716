//! Templates over JSON values.
//!
//! **Purpose.** A text with `{{ expressions }}` is checked once and rendered often. An error names the template and the
//! place in it.
//!
//! **Must not know** jobs, destinations, requests, or where a rendered text goes: whoever uses it escapes for its place.
//! Deliberately absent: includes, files, and the environment. A template that comes from a user can take neither much
//! time nor much memory.
//!
//! **Lower neighbours**: none.
