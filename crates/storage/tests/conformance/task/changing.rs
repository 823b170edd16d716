use ratchet_interfaces::{
    JobStatus, RepositoryError, Task, TaskDefinition, TaskDeletion, TaskId, TaskStatistics, TaskUse,
    UnifiedJob,
};
use serde_json::json;

use crate::harness::{assert_refused, at_once, on_each_database};
use crate::sample::{at, cancel, job, store, stored_schedule, stored_task, task};

#[tokio::test]
async fn a_new_task_is_stored_once() {
    on_each_database(async |repositories| {
        let tasks = repositories.tasks();
        let one = task("greet");
        tasks.task_create(&one).await.unwrap();
        assert_eq!(
            tasks.task_find(one.definition.id).await.unwrap(),
            Some(one.clone())
        );
        assert_refused!(
            tasks.task_create(&task("greet")).await,
            RepositoryError::AlreadyExists {
                field: "name and version",
                ..
            }
        );
        let mut same_id = task("other");
        same_id.definition.id = one.definition.id;
        assert_refused!(
            tasks.task_create(&same_id).await,
            RepositoryError::AlreadyExists { field: "id", .. }
        );
    })
    .await;
}

#[tokio::test]
async fn of_changes_that_were_decided_on_one_revision_one_is_done() {
    on_each_database(async |repositories| {
        let tasks = repositories.tasks();
        let before = task("greet");
        tasks.task_create(&before).await.unwrap();
        let changed = |description: &str| Task {
            definition: TaskDefinition {
                description: Some(description.to_owned()),
                input_schema: Some(json!(true)),
                ..before.definition.clone()
            },
            enabled: false,
            updated_at: at(7),
            created_at: at(8),
            ..before.clone()
        };
        let outcomes = at_once([changed("a"), changed("b")], |task| {
            let tasks = repositories.tasks();
            async move { tasks.task_update(&task).await }
        })
        .await;
        let [a, b] = <[_; 2]>::try_from(outcomes).unwrap();
        let (done, refused) = if a.is_ok() { (a, b) } else { (b, a) };
        let done = done.unwrap();
        assert_eq!((done.revision, done.enabled), (2, false));
        assert_eq!((done.created_at, done.updated_at), (before.created_at, at(7)));
        assert_refused!(refused, RepositoryError::VersionConflict { what: "task", .. });
        assert_eq!(
            tasks.task_find(done.definition.id).await.unwrap(),
            Some(done.clone())
        );
        // Whatever else changes a row counts too.
        tasks.task_set_enabled(done.definition.id, true).await.unwrap();
        assert_refused!(
            tasks.task_update(&done).await,
            RepositoryError::VersionConflict { .. }
        );
        assert_refused!(
            tasks.task_update(&task("missing")).await,
            RepositoryError::NotFound { what: "task", .. }
        );
        let other = task("other");
        tasks.task_create(&other).await.unwrap();
        let mut renamed = other.clone();
        renamed.definition.name = "greet".to_owned();
        assert_refused!(
            tasks.task_update(&renamed).await,
            RepositoryError::AlreadyExists { .. }
        );
    })
    .await;
}

#[tokio::test]
async fn a_task_goes_with_its_jobs_once_they_have_ended_and_no_schedule_runs_it() {
    on_each_database(async |repositories| {
        let (tasks, jobs) = (repositories.tasks(), repositories.jobs());
        let schedule = stored_schedule(&*repositories, "nightly").await;
        let id = schedule.task_id;
        let (one, two) = (job(id), job(id));
        store(&*repositories, &[one.clone(), two.clone()]).await;
        let of_another = job(stored_task(&*repositories, "other").await);
        store(&*repositories, std::slice::from_ref(&of_another)).await;
        let deletion = tasks.task_delete_with_jobs(id, 1).await.unwrap();
        let TaskDeletion::InUse(found) = deletion else {
            panic!("{deletion:?}");
        };
        let mut expected = vec![one.id, two.id];
        expected.sort_unstable();
        assert_eq!(
            found,
            TaskUse {
                schedules: 1,
                schedule_names: vec!["nightly".to_owned()],
                jobs: 2,
                job_ids: expected,
            }
        );
        repositories
            .schedules()
            .schedule_delete(schedule.id)
            .await
            .unwrap();
        for id in [one.id, two.id] {
            jobs.job_cancel(&cancel(id, false)).await.unwrap();
        }
        assert_refused!(
            tasks.task_delete_with_jobs(id, 2).await,
            RepositoryError::VersionConflict { .. }
        );
        assert_eq!(
            tasks.task_delete_with_jobs(id, 1).await.unwrap(),
            TaskDeletion::Deleted { jobs: 2 }
        );
        assert_eq!(tasks.task_find(id).await.unwrap(), None);
        assert_eq!(jobs.job_find(one.id).await.unwrap(), None);
        let left: Option<UnifiedJob> = jobs.job_find(of_another.id).await.unwrap();
        assert_eq!(left.map(|job| job.status), Some(JobStatus::Queued));
        assert_refused!(
            tasks.task_delete_with_jobs(TaskId::new(), 1).await,
            RepositoryError::NotFound { .. }
        );
    })
    .await;
}

#[tokio::test]
async fn tasks_are_counted_and_their_versions_found_by_name() {
    on_each_database(async |repositories| {
        let tasks = repositories.tasks();
        let mut stored = vec![task("greet"), task("greet"), task("greet"), task("add")];
        for (task, version) in stored.iter_mut().zip(["1", "2", "3", "1"]) {
            task.definition.version = version.to_owned();
        }
        stored[1].enabled = false;
        stored[2].removed_at = Some(at(1));
        stored[3].registry = Task::DATABASE.to_owned();
        let before = tasks.task_statistics().await.unwrap();
        tasks.task_upsert_many(&stored).await.unwrap();
        assert_eq!(
            (before, tasks.task_statistics().await.unwrap()),
            (
                TaskStatistics::default(),
                TaskStatistics {
                    total: 4,
                    enabled: 3,
                    of_database: 1
                }
            )
        );
        let mut versions = tasks
            .task_versions(&["greet".to_owned(), "nobody".to_owned()])
            .await
            .unwrap();
        versions.sort();
        let expected = [("greet", "1"), ("greet", "2")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(versions, expected);
    })
    .await;
}
