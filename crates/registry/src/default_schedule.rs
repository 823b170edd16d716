use chrono::{DateTime, Utc};
use ratchet_interfaces::{OutputDestination, TaskId, UnifiedSchedule};
use serde_json::{Value, json};

/// A schedule that a fresh server wants for a task, if a registry has the task.
///
/// ```
/// use chrono::DateTime;
/// let wishes = ratchet_registry::default_schedules();
/// let schedule = wishes[0].to_schedule(DateTime::UNIX_EPOCH);
/// assert_eq!((schedule.name.as_str(), schedule.enabled), ("system_heartbeat", true));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DefaultSchedule {
    /// The task.
    pub task_id: TaskId,
    /// The schedule's name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// When it fires.
    pub specification: &'static str,
    /// The time zone of the expression.
    pub timezone: &'static str,
    /// The input of its jobs.
    pub input: Value,
    /// Where the results go.
    pub output_destinations: Vec<OutputDestination>,
}

/// The schedules that a fresh server wants.
#[must_use]
pub fn default_schedules() -> Vec<DefaultSchedule> {
    vec![DefaultSchedule {
        task_id: TaskId::from_uuid(uuid::Uuid::from_u128(1)),
        name: "system_heartbeat",
        description: "A sign of life every five minutes",
        specification: "0 */5 * * * *",
        timezone: "UTC",
        input: json!({}),
        output_destinations: vec![OutputDestination::stdout_json()],
    }]
}

impl DefaultSchedule {
    /// The schedule itself, new and enabled.
    #[must_use]
    pub fn to_schedule(&self, now: DateTime<Utc>) -> UnifiedSchedule {
        let Self {
            task_id,
            name,
            description,
            specification,
            timezone,
            input,
            output_destinations,
        } = self.clone();
        UnifiedSchedule {
            description: Some(description.to_owned()),
            timezone: timezone.to_owned(),
            input,
            output_destinations,
            ..UnifiedSchedule::new(name, task_id, specification, now)
        }
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{TaskRegistry, TaskValidator};

    use super::*;
    use crate::{EmbeddedRegistry, SchemaValidator};

    #[tokio::test]
    async fn every_default_schedule_is_of_a_task_that_comes_with_the_server_and_has_valid_input() {
        let registry = EmbeddedRegistry::new().unwrap();
        for wish in default_schedules() {
            let task = registry.get_task_by_id(wish.task_id).await.unwrap().unwrap();
            assert_eq!(SchemaValidator::default().validate_input(&task, &wish.input), []);
        }
    }

    #[test]
    fn the_schedule_made_of_a_wish_keeps_every_field() {
        let wish = default_schedules().remove(0);
        let schedule = wish.to_schedule(DateTime::UNIX_EPOCH);
        assert_eq!(schedule.task_id, wish.task_id);
        assert_eq!(schedule.description.as_deref(), Some(wish.description));
        assert_eq!(schedule.specification, "0 */5 * * * *");
        assert_eq!(schedule.timezone, "UTC");
        assert_eq!(schedule.input, wish.input);
        assert_eq!(schedule.output_destinations, [OutputDestination::stdout_json()]);
    }
}
