//! Templates over JSON values.
//!
//! **Purpose.** A text with `{{ expressions }}` is checked once and rendered often. An error names the template and the
//! place in it. The language is Jinja's, as `minijinja` reads it.
//!
//! **Must not know** jobs, destinations, requests, or where a rendered text goes: whoever uses it escapes for its place.
//! Deliberately absent: includes, macros, files, and the environment. A template that comes from a user can take neither
//! much time nor much memory: what it does and what it makes is paid for from a fixed budget.
//!
//! **Lower neighbours**: none.

mod error;
mod filters;
mod template;

pub use error::TemplateError;
pub use template::Template;
