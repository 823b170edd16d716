//! HTTP requests that leave this process on somebody's behalf: a task's `fetch`, an `http` task, a webhook.
//!
//! **Purpose.** One client, with one guard: a request reaches no private, loopback or link-local address unless the
//! configuration allows it, however it gets there (a name that resolves to one, a redirect, a literal). Time, size and
//! number of redirects are bounded.
//!
//! **Must not know** tasks, jobs, deliveries, or who asks. Deliberately absent: retries (whoever asks knows when),
//! signatures and authentication (they are headers here), cookies, and a proxy taken from the environment.
//!
//! **Lower neighbours**: none.
