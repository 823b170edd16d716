use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratchet_interfaces::{JobStatus, RepositoryError, TaskId, TaskRepository};

/// Of so many tasks the ended jobs are counted each on its own.
const MOST_TASKS: usize = 100;

/// What all other tasks are called together.
const OTHER: &str = "other";

/// How many jobs ended, by task and status.
#[derive(Default)]
pub(super) struct EndedJobs(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    by_task: HashMap<TaskId, Tally>,
    /// Those of all other tasks, and of tasks that are not known.
    other: Tally,
    /// The tasks' names, as far as they were needed. A task does not change its name.
    names: HashMap<TaskId, Arc<str>>,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    completed: u64,
    failed: u64,
    cancelled: u64,
}

impl Tally {
    fn add(&mut self, status: JobStatus) {
        match status {
            JobStatus::Completed => self.completed += 1,
            JobStatus::Failed => self.failed += 1,
            JobStatus::Cancelled => self.cancelled += 1,
            JobStatus::Queued
            | JobStatus::Processing
            | JobStatus::Retrying
            | JobStatus::Buffered
            | JobStatus::Blocked => {}
        }
    }

    fn values(self) -> [(JobStatus, u64); 3] {
        [
            (JobStatus::Completed, self.completed),
            (JobStatus::Failed, self.failed),
            (JobStatus::Cancelled, self.cancelled),
        ]
    }
}

impl EndedJobs {
    /// Counts jobs that have reached these states, as far as they are final. With the first of a task, whatever it is, its
    /// counts stand at zero.
    pub(super) fn add(&self, ended: impl IntoIterator<Item = (Option<TaskId>, JobStatus)>) {
        let mut counts = self.counts();
        for (task, status) in ended {
            counts.tally(task).add(status);
        }
    }

    /// The counts, by the name of the task, also those that are zero. Tasks of one name, which are its versions, count
    /// together.
    pub(super) async fn read(
        &self,
        tasks: &dyn TaskRepository,
    ) -> Result<Vec<(Arc<str>, JobStatus, u64)>, RepositoryError> {
        for id in self.nameless() {
            // Of one that was deleted nobody knows the name any more.
            let name = match tasks.task_find(id).await? {
                Some(task) => task.definition.name.into(),
                None => OTHER.into(),
            };
            self.counts().names.insert(id, name);
        }
        let counts = self.counts();
        let named = counts
            .by_task
            .iter()
            .filter_map(|(id, tally)| Some((counts.names.get(id)?, tally)));
        let other: Arc<str> = OTHER.into();
        let mut sums: HashMap<(Arc<str>, JobStatus), u64> = HashMap::new();
        for (name, tally) in named.chain([(&other, &counts.other)]) {
            for (status, count) in tally.values() {
                *sums.entry((Arc::clone(name), status)).or_default() += count;
            }
        }
        let mut all: Vec<_> = sums
            .into_iter()
            .map(|((name, status), count)| (name, status, count))
            .collect();
        all.sort_unstable();
        Ok(all)
    }

    fn nameless(&self) -> Vec<TaskId> {
        let counts = self.counts();
        let ids = counts.by_task.keys().copied();
        ids.filter(|id| !counts.names.contains_key(id)).collect()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // It is whole after every statement that changes it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn tally(&mut self, task: Option<TaskId>) -> &mut Tally {
        match task {
            Some(id) if self.by_task.contains_key(&id) || self.by_task.len() < MOST_TASKS => {
                self.by_task.entry(id).or_default()
            }
            _ => &mut self.other,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ratchet_interfaces::{MockTaskRepository, Task, TaskDefinition};

    use super::*;

    #[tokio::test]
    async fn versions_of_a_task_count_together_and_tasks_beyond_the_hundredth_as_other() {
        let ended = EndedJobs::default();
        let ids: Vec<_> = (0..=MOST_TASKS).map(|_| TaskId::new()).collect();
        ended.add(ids.iter().map(|id| (Some(*id), JobStatus::Completed)));
        ended.add([
            (Some(ids[0]), JobStatus::Failed),
            (Some(ids[0]), JobStatus::Retrying),
            (None, JobStatus::Cancelled),
        ]);
        let mut tasks = MockTaskRepository::new();
        let versions = [ids[0], ids[1]];
        tasks.expect_task_find().times(MOST_TASKS).returning(move |id| {
            let name = if versions.contains(&id) {
                "weigh".to_owned()
            } else {
                id.to_string()
            };
            let definition = TaskDefinition::new(id, name, "1", "builtin");
            Ok(Some(Task::new(definition, "test", DateTime::UNIX_EPOCH)))
        });
        for _ in 0..2 {
            let read = ended.read(&tasks).await.unwrap();
            let of = |name: &str, status| {
                read.iter()
                    .find(|(of, is, _)| (&**of, *is) == (name, status))
                    .map(|(_, _, n)| *n)
            };
            assert_eq!(of("weigh", JobStatus::Completed), Some(2));
            assert_eq!(of("weigh", JobStatus::Failed), Some(1));
            assert_eq!(of(OTHER, JobStatus::Completed), Some(1), "the hundred and first");
            assert_eq!(of(OTHER, JobStatus::Cancelled), Some(1));
            assert_eq!(
                of("weigh", JobStatus::Cancelled),
                Some(0),
                "it can rise from there"
            );
            assert_eq!(read.len(), 3 * (MOST_TASKS - 1 + 1), "of 99 names and the others");
        }
    }
}
