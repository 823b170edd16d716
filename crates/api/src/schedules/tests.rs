mod applying;
mod reading;
mod running;
mod writing;

use ratchet_interfaces::{Task, TaskDefinition, TaskId, UnifiedSchedule};
use serde_json::json;

use crate::test_support::{Mocks, now};

const TASK: &str = "00000000-0000-0000-0000-0000000000aa";
const ID: &str = "00000000-0000-0000-0000-000000000001";

fn path() -> String {
    format!("/api/v1/schedules/{ID}")
}

fn path_to(what: &str) -> String {
    format!("/api/v1/schedules/{ID}/{what}")
}

fn task_id() -> TaskId {
    TASK.parse().unwrap()
}

/// A stored schedule of version 3.
fn nightly() -> UnifiedSchedule {
    UnifiedSchedule {
        id: ID.parse().unwrap(),
        description: Some("what nights are for".to_owned()),
        input: json!({"size": 1}),
        next_run: Some(now()),
        version: 3,
        ..UnifiedSchedule::new("nightly", task_id(), "0 0 * * *", now())
    }
}

fn task() -> Task {
    Task::new(
        TaskDefinition::new(task_id(), "import", "1.0.0", "builtin"),
        "embedded",
        now(),
    )
}

/// Mocks in which the schedule is stored.
fn with_nightly() -> Mocks {
    with(nightly())
}

fn with(schedule: UnifiedSchedule) -> Mocks {
    let mut mocks = Mocks::default();
    mocks
        .schedules
        .expect_schedule_find()
        .returning(move |id| Ok((id == schedule.id).then(|| schedule.clone())));
    mocks
}

impl Mocks {
    /// With the task stored, and every input to its liking.
    fn and_task(mut self, task: Task) -> Self {
        self.tasks
            .expect_task_find()
            .returning(move |id| Ok((id == task.definition.id).then(|| task.clone())));
        self.validator
            .expect_validate_input()
            .returning(|_, _| Vec::new());
        self
    }

    /// With a scheduler that stores what it is given, and says so with the next version and another next tick.
    fn and_writes(mut self) -> Self {
        let stored = |schedule| UnifiedSchedule {
            next_run: "2026-04-01T00:00:00Z".parse().ok(),
            ..schedule
        };
        self.scheduler
            .expect_add_schedule()
            .returning(move |schedule| Ok(stored(schedule)));
        self.scheduler
            .expect_update_schedule()
            .returning(move |schedule| {
                Ok(UnifiedSchedule {
                    version: schedule.version + 1,
                    ..stored(schedule)
                })
            });
        self
    }
}
