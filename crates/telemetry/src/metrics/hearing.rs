//! What is counted of what is heard.

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    DeliveryStatus, Event, EventSink, ExecutionStatus, OutputDestination, ScheduleId, ScheduleTransition,
    TaskErrorKind, TickOutcome,
};

use super::{Metrics, seconds};

impl Metrics {
    /// What is counted by a name of which there are few stands there from the start: of a counter that appears as 1, nobody
    /// who asks how much it has risen sees that.
    pub(super) fn begin_at_zero(&self) {
        for outcome in TickOutcome::ALL {
            self.ticks
                .get_or_create(&[("outcome", outcome.as_str())])
                .inc_by(0);
        }
        for change in ScheduleTransition::ALL {
            self.schedule_changes
                .get_or_create(&[("change", change.as_str())])
                .inc_by(0);
        }
        for status in ExecutionStatus::ALL {
            if *status != ExecutionStatus::Running {
                self.executions
                    .get_or_create(&[("status", status.as_str())])
                    .inc_by(0);
            }
        }
        for kind in TaskErrorKind::ALL.iter().copied().map(Some).chain([None]) {
            self.execution_failures
                .get_or_create(&[("kind", failure_kind(kind))])
                .inc_by(0);
        }
        for destination in OutputDestination::KINDS {
            for status in DeliveryStatus::ALL {
                let labels = [("destination", destination), ("result", delivery_result(*status))];
                self.delivery_attempts.get_or_create(&labels).inc_by(0);
            }
        }
    }
}

impl EventSink for Metrics {
    fn emit(&self, events: &[Event]) {
        let mut ended = Vec::new();
        for event in events {
            match event {
                Event::Tick(tick) => {
                    let record = &tick.record;
                    self.ticks
                        .get_or_create(&[("outcome", record.outcome.as_str())])
                        .inc_by(record.count);
                    if record.outcome.is_run() {
                        let late = record.lateness + (tick.at - record.decided_at);
                        self.tick_lateness.observe(seconds(late));
                    }
                }
                Event::Job(job) => ended.push((job.task_id, job.status)),
                Event::Execution(execution) if execution.status == ExecutionStatus::Running => {
                    self.job_wait
                        .observe(seconds(execution.started_at - execution.runnable_since));
                }
                Event::Execution(execution) => {
                    self.executions
                        .get_or_create(&[("status", execution.status.as_str())])
                        .inc();
                    let failed = execution.status == ExecutionStatus::Failed;
                    if failed {
                        self.execution_failures
                            .get_or_create(&[("kind", failure_kind(execution.error_kind))])
                            .inc();
                    }
                    // Of one whose process is gone it is only known when that was found out.
                    let is_known = !failed || execution.error_kind.is_some();
                    if let Some(duration) = execution.duration.filter(|_| is_known) {
                        self.execution_duration.observe(seconds(duration));
                    }
                }
                Event::Delivery(delivery) => {
                    let result = delivery_result(delivery.status);
                    let destination = ("destination", delivery.destination);
                    self.delivery_attempts
                        .get_or_create(&[destination, ("result", result)])
                        .inc();
                    self.delivery_duration
                        .get_or_create(&[destination])
                        .observe(seconds(delivery.duration));
                }
                Event::Schedule(schedule) => {
                    self.schedule_changes
                        .get_or_create(&[("change", schedule.change.as_str())])
                        .inc();
                }
                // That they ended was counted, and stays so.
                Event::Deletion(_) => {}
            }
        }
        if !ended.is_empty() {
            self.ended_jobs.add(ended);
        }
    }

    fn handler_started(&self, _: ScheduleId, _: DateTime<Utc>, due: DateTime<Utc>) {
        self.handler_lateness.observe(seconds(self.clock.now() - due));
    }
}

/// Why an attempt failed. Nobody says so of one whose process is gone, or whose result cannot be stored.
fn failure_kind(kind: Option<TaskErrorKind>) -> &'static str {
    kind.map_or("unknown", TaskErrorKind::as_str)
}

/// What an attempt to deliver came to.
const fn delivery_result(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "retried",
        DeliveryStatus::Delivered | DeliveryStatus::Failed => status.as_str(),
    }
}
