//! What becomes of ticks that the database does not want: it must be found out which ones, and none may be lost.
//!
//! ```text
//!  a batch is refused ──► its halves ──► … ──► a tick alone ──► without its job ──► its schedule is disabled ──► held
//! ```
//!
//! Each arrow is a refusal that is not an outage. An outage on the way puts the ticks back to be decided on anew.

use std::ops::ControlFlow;

use ratchet_interfaces::{RepositoryError, ScheduleEvent, ScheduleTransition, with_causes};
use ratchet_metadata_store::DueTick;

use super::{Batch, Firing, LONGEST_PAUSE, halves};
use crate::event::tell_of_schedule;
use crate::tick_plan::{plan_due_ticks, without_job};

impl Firing {
    /// Commits each part on its own, and divides those that are refused.
    pub(super) async fn isolate(&mut self, mut parts: Vec<Vec<DueTick>>) -> ControlFlow<()> {
        while let Some(ticks) = parts.pop() {
            if ticks.is_empty() {
                continue;
            }
            let now = self.clock.now();
            let firings = ticks.iter().map(|tick| plan_due_ticks(tick, now)).collect();
            let batch = Batch { ticks, firings };
            match self.bridge.fire_ticks(&batch.firings).await {
                Ok(answer) => self.settle(&batch, &answer).await?,
                Err(error) if error.is_transient() => {
                    self.pending.due.extend(batch.ticks);
                    self.pending.due.extend(parts.into_iter().flatten());
                    return self.pause(&error).await;
                }
                Err(error) if batch.ticks.len() > 1 => parts.extend(halves(batch.ticks, &error)),
                Err(error) => self.record_without_job(batch, &error).await?,
            }
        }
        ControlFlow::Continue(())
    }

    /// Records a tick of which no job can be made, and disables its schedule where even that is refused.
    async fn record_without_job(&mut self, refused: Batch, error: &RepositoryError) -> ControlFlow<()> {
        let reason = format!("no job could be created: {}", with_causes(error));
        let firings = refused
            .firings
            .iter()
            .map(|firing| without_job(firing, &reason))
            .collect();
        let batch = Batch { firings, ..refused };
        match self.bridge.fire_ticks(&batch.firings).await {
            Ok(answer) => {
                for tick in &batch.ticks {
                    tracing::error!(
                        schedule.id = %tick.schedule_id,
                        scheduled_for = %tick.scheduled_for,
                        reason,
                        "a tick failed"
                    );
                }
                self.settle(&batch, &answer).await
            }
            Err(error) if error.is_transient() => {
                self.pending.due.extend(batch.ticks);
                self.pause(&error).await
            }
            Err(_) => {
                for tick in &batch.ticks {
                    self.disable(tick, &reason).await?;
                }
                ControlFlow::Continue(())
            }
        }
    }

    /// Reads the row of a schedule whose tick was not what the row says. A row that cannot be read is disabled, as
    /// one that cannot be understood.
    pub(super) async fn resettle(&mut self, tick: &DueTick) -> ControlFlow<()> {
        loop {
            match self.store.resettle(tick.schedule_id).await {
                Ok(()) => {
                    self.recovered();
                    return ControlFlow::Continue(());
                }
                Err(error) if error.is_transient() => self.pause(&error).await?,
                Err(error) => return self.disable(tick, &with_causes(&error)).await,
            }
        }
    }

    /// Disables a schedule, and reads its row again: if when it fires was changed meanwhile, it is another schedule now, and
    /// fires as its row says. Its index entry goes only when its row says so.
    async fn disable(&mut self, tick: &DueTick, reason: &str) -> ControlFlow<()> {
        loop {
            let disabled = self
                .bridge
                .invalidate_schedule(tick.schedule_id, tick.timing_version, reason)
                .await;
            let settled = match disabled {
                Ok(()) => self.store.resettle(tick.schedule_id).await,
                Err(error) => Err(error),
            };
            match settled {
                Ok(()) => {
                    tracing::error!(schedule.id = %tick.schedule_id, reason, "a schedule is disabled, or was changed");
                    if self.store.next_tick_of(tick.schedule_id).is_none() {
                        tell_of_schedule(&*self.events, || {
                            ScheduleEvent::bare(
                                tick.schedule_id,
                                ScheduleTransition::Disabled,
                                self.clock.now(),
                            )
                        });
                    }
                    self.recovered();
                    return ControlFlow::Continue(());
                }
                Err(error) if error.is_transient() => self.pause(&error).await?,
                Err(error) => {
                    self.hold(tick, reason, &error);
                    return ControlFlow::Continue(());
                }
            }
        }
    }

    /// Keeps a tick that the database will have in no form: that it refuses everything is more likely its own fault
    /// than the tick's.
    fn hold(&mut self, tick: &DueTick, reason: &str, error: &RepositoryError) {
        let error = with_causes(error);
        let told = format!(
            "schedule {} can neither fire nor be disabled: {reason}; {error}",
            tick.schedule_id
        );
        if self.stall.begin(told) {
            tracing::error!(
                schedule.id = %tick.schedule_id,
                scheduled_for = %tick.scheduled_for,
                reason,
                error,
                "a tick can be recorded in no form; trying until it can"
            );
        }
        self.pending.held.push(tick.clone());
        self.pending.held_until = self.clock.monotonic() + LONGEST_PAUSE;
    }

    /// Tries ticks again that were held for long enough.
    pub(super) async fn fire_held(&mut self) -> ControlFlow<()> {
        if self.pending.held.is_empty() || self.clock.monotonic() < self.pending.held_until {
            return ControlFlow::Continue(());
        }
        let held = std::mem::take(&mut self.pending.held);
        self.isolate(vec![held]).await
    }
}
