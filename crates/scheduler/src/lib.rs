//! The scheduler core: the clock, the event loop, and the decision on every tick.
//!
//! **Purpose.** [`TokioCronSchedulerService`] sleeps until the earliest tick of any schedule, activates what is due
//! through tokio-cron-scheduler's job runtime, decides what becomes of each tick, and has the decisions of one
//! moment made durable in one transaction. Then it tells the executor that there are jobs.
//!
//! ```text
//!  MetadataStore ──earliest──► event loop ──Clock.wait_until──► due ──activate──► JobRunner
//!       ▲                                                                            │ handler
//!       │                                                                            ▼
//!       └───────────settle────── firing: plan ──fire_ticks (one transaction)◄── due ticks
//!                                   └──raise──► jobs_available
//! ```
//!
//! **Must not know** SeaORM, axum, and any task: no task is special to it, none is known by name.
//!
//! **Lower neighbours**: `ratchet-interfaces`, `ratchet-recurrence`, `ratchet-repository-bridge`,
//! `ratchet-metadata-store`.
//!
//! Deliberately absent: a polling loop (an idle engine executes no statement), a call of the inner
//! `JobScheduler::start` (it would poll twice a second), and any time but the [`Clock`](ratchet_interfaces::Clock)'s.

mod arming;
mod audit;
mod backfill;
mod config;
mod edits;
mod event;
mod event_loop;
mod firing;
mod forecast;
mod history;
mod job_runtime;
mod pruner;
mod retention;
mod running;
mod service;
mod stall;
mod system_clock;
mod tick_plan;
mod why;

pub use audit::{AuditRange, AuditReport, Fault, FaultKind, audit};
pub use backfill::{backfill, trigger};
pub use config::SchedulerConfig;
pub use forecast::{forecast, forecast_buckets, forecast_busiest};
pub use retention::prune;
pub use service::TokioCronSchedulerService;
pub use system_clock::SystemClock;
pub use tick_plan::{LEDGER_ROWS_PER_RUN, plan_due_ticks};
pub use why::why;
