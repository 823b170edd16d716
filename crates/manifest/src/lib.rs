//! Schedules as code: the files that say which schedules there are to be.
//!
//! **Purpose.** [`read`] makes of one or several files, in TOML or YAML, what `POST /api/v1/schedules/apply` takes, and says
//! all that is wrong with them at once. [`write`] is the way back. [`crontab`] makes such a file of a crontab.
//!
//! **Must not know** files, the environment, HTTP: texts and values are arguments. Deliberately absent: whether a value is
//! allowed (whoever applies it says so); here it is only known which fields there are.
//!
//! **Lower neighbours**: `ratchet-recurrence`.

pub mod crontab;
mod fields;
mod form;
mod mistake;
mod nearest;
mod reading;
mod writing;

pub use form::{Form, FormError};
pub use mistake::Mistake;
pub use reading::{Source, read};
pub use writing::{WriteError, write};
