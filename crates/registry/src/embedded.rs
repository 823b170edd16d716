use async_trait::async_trait;
use ratchet_interfaces::{RegistryError, TaskDefinition, TaskId, TaskListing, TaskRegistry};

const NAME: &str = "embedded";

/// The definitions that are compiled in.
const DEFINITIONS: &[&str] = &[
    include_str!("../tasks/heartbeat.json"),
    include_str!("../tasks/wait.json"),
];

/// The tasks that come with the server.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ratchet_interfaces::RegistryError> {
/// use ratchet_interfaces::TaskRegistry;
/// use ratchet_registry::EmbeddedRegistry;
/// let registry = EmbeddedRegistry::new()?;
/// assert_eq!(registry.name(), "embedded");
/// assert_eq!(registry.list_tasks().await?.tasks.len(), 2);
/// # Ok(())
/// # }
/// ```
pub struct EmbeddedRegistry {
    tasks: Vec<TaskDefinition>,
}

impl EmbeddedRegistry {
    /// Reads the definitions.
    ///
    /// # Errors
    /// [`RegistryError::Read`] when one of them cannot be understood.
    pub fn new() -> Result<Self, RegistryError> {
        Self::read(DEFINITIONS)
    }

    fn read(definitions: &[&str]) -> Result<Self, RegistryError> {
        let tasks = definitions.iter().map(|json| serde_json::from_str(json));
        match tasks.collect() {
            Ok(tasks) => Ok(Self { tasks }),
            Err(source) => Err(RegistryError::Read {
                registry: NAME.to_owned(),
                source: source.into(),
            }),
        }
    }
}

#[async_trait]
impl TaskRegistry for EmbeddedRegistry {
    fn name(&self) -> &str {
        NAME
    }

    async fn get_task_by_id(&self, id: TaskId) -> Result<Option<TaskDefinition>, RegistryError> {
        Ok(self.tasks.iter().find(|task| task.id == id).cloned())
    }

    async fn list_tasks(&self) -> Result<TaskListing, RegistryError> {
        Ok(TaskListing::of(self.tasks.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use ratchet_interfaces::TaskValidator;
    use serde_json::json;

    use super::*;
    use crate::SchemaValidator;

    #[tokio::test]
    async fn every_task_that_comes_with_the_server_is_valid() {
        let registry = EmbeddedRegistry::new().unwrap();
        for task in registry.list_tasks().await.unwrap().tasks {
            assert_eq!(SchemaValidator::default().validate_task(&task), []);
            assert_eq!(registry.get_task_by_id(task.id).await.unwrap(), Some(task));
        }
    }

    #[tokio::test]
    async fn the_heartbeat_s_schemas_admit_what_it_gets_and_returns() {
        let registry = EmbeddedRegistry::new().unwrap();
        let id = "00000000-0000-0000-0000-000000000001".parse().unwrap();
        let mut task = registry.get_task_by_id(id).await.unwrap().unwrap();
        assert_eq!(
            (task.name.as_str(), task.version.as_str(), task.runtime.as_str()),
            ("heartbeat", "1.0.0", "builtin")
        );
        assert_eq!(SchemaValidator::default().validate_input(&task, &json!({})), []);
        assert_eq!(
            SchemaValidator::default().validate_input(&task, &json!(1)).len(),
            1
        );
        task.input_schema = task.output_schema.take();
        let output = json!({
            "status": "ok",
            "timestamp": "2026-01-01T00:00:05.000000Z",
            "message": "the server is alive",
            "system_info": {"version": "9.8.7", "uptime_seconds": 5, "active_jobs": 2},
        });
        assert_eq!(SchemaValidator::default().validate_input(&task, &output), []);
    }

    #[tokio::test]
    async fn a_wait_is_of_a_day_at_the_most() {
        let registry = EmbeddedRegistry::new().unwrap();
        let id = "00000000-0000-0000-0000-000000000002".parse().unwrap();
        let task = registry.get_task_by_id(id).await.unwrap().unwrap();
        let issues = |input| SchemaValidator::default().validate_input(&task, &input).len();
        assert_eq!((task.name.as_str(), task.runtime.as_str()), ("wait", "builtin"));
        assert_eq!(issues(json!({"seconds": 0.25})), 0);
        assert_eq!(issues(json!({"seconds": 86_400, "fail": true})), 0);
        assert_eq!(issues(json!({"seconds": 86_401})), 1);
        assert_eq!(issues(json!({"seconds": -1})), 1);
        assert_eq!(issues(json!({"fail": true})), 1);
        let output = json!({"waitedSeconds": 0.25});
        assert_eq!(SchemaValidator::default().validate_output(&task, &output), []);
    }

    #[tokio::test]
    async fn an_id_that_is_not_there_is_not_found() {
        let registry = EmbeddedRegistry::new().unwrap();
        assert_eq!(registry.get_task_by_id(TaskId::new()).await.unwrap(), None);
    }

    #[test]
    fn a_broken_definition_is_an_error_that_tells_where() {
        let Err(error) = EmbeddedRegistry::read(&["{\"id\": 7}"]) else {
            panic!("a number passed for an id");
        };
        assert_eq!(error.to_string(), "registry embedded cannot be read");
        assert!(error.source().unwrap().to_string().contains("line 1 column 8"));
    }
}
