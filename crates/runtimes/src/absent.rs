use std::time::Duration;

use async_trait::async_trait;
use ratchet_interfaces::{TaskDefinition, TaskError, TaskErrorKind, TaskExecutor, TaskRequest};
use serde_json::Value;

/// The runtime `none`, of tasks that no registry has code for: such a task can be stored, and schedules and jobs can be
/// made of it before its code is there. Each of its jobs fails, and says why.
///
/// ```
/// use ratchet_interfaces::{TaskDefinition, TaskExecutor};
/// use ratchet_runtimes::AbsentRuntime;
/// assert_eq!(AbsentRuntime.runtime(), TaskDefinition::NO_CODE);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AbsentRuntime;

#[async_trait]
impl TaskExecutor for AbsentRuntime {
    fn runtime(&self) -> &str {
        TaskDefinition::NO_CODE
    }

    /// What has no code has none that could be wrong. A folder or a file that asks for this runtime is a mistake.
    fn check(&self, task: &TaskDefinition) -> Option<String> {
        (task.source.is_some() || task.folder().is_some()).then(|| {
            format!(
                "runtime \"{}\" is of tasks that have no code: name the runtime that runs this one",
                TaskDefinition::NO_CODE
            )
        })
    }

    fn stop_grace(&self) -> Duration {
        Duration::ZERO
    }

    async fn execute(&self, request: TaskRequest) -> Result<Value, TaskError> {
        let TaskDefinition { name, version, .. } = &*request.task;
        Err(TaskError::of(
            TaskErrorKind::Definition,
            format!("no registry has code for task {name} {version}: give it sourceCode"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::TaskId;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_code_or_lies_in_a_folder_is_not_of_this_runtime() {
        let bare = TaskDefinition::new(TaskId::new(), "later", "1", TaskDefinition::NO_CODE);
        assert_eq!(AbsentRuntime.check(&bare), None);
        for task in [
            TaskDefinition {
                source: Some("() => 1".to_owned()),
                ..bare.clone()
            },
            TaskDefinition {
                metadata: Some(json!({"folder": "tasks/later"})),
                ..bare.clone()
            },
        ] {
            let wrong = AbsentRuntime.check(&task).unwrap();
            assert!(wrong.contains("\"none\""), "{wrong}");
        }
    }
}
