use ratchet_interfaces::{RepositoryError, Task, TaskId};

use crate::harness::{assert_refused, on_each_database};
use crate::sample::{at, job, stored_schedule, stored_task, task};

#[tokio::test]
async fn a_task_is_disabled_and_enabled_again() {
    on_each_database(async |repositories| {
        let tasks = repositories.tasks();
        let (one, other) = (task("one"), task("other"));
        tasks
            .task_upsert_many(&[one.clone(), other.clone()])
            .await
            .unwrap();
        for (revision, enabled) in [(2, false), (3, false), (4, true), (5, true)] {
            tasks.task_set_enabled(one.definition.id, enabled).await.unwrap();
            let expected = Task {
                enabled,
                revision,
                ..one.clone()
            };
            assert_eq!(tasks.task_find(one.definition.id).await.unwrap(), Some(expected));
            let untouched = tasks.task_find(other.definition.id).await.unwrap();
            assert_eq!(untouched.as_ref(), Some(&other));
        }
    })
    .await;
}

#[tokio::test]
async fn a_task_that_does_not_exist_is_neither_enabled_nor_deleted() {
    on_each_database(async |repositories| {
        let tasks = repositories.tasks();
        let missing = TaskId::new();
        for enabled in [true, false] {
            match tasks.task_set_enabled(missing, enabled).await {
                Err(RepositoryError::NotFound { what, id }) => {
                    assert_eq!((what, id), ("task", missing.to_string()));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(!tasks.task_delete(missing).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_task_is_deleted_once_nothing_refers_to_it() {
    on_each_database(async |repositories| {
        let tasks = repositories.tasks();
        let schedule = stored_schedule(&*repositories, "nightly").await;
        assert_refused!(
            tasks.task_delete(schedule.task_id).await,
            RepositoryError::BrokenReference { what: "task", .. }
        );
        repositories
            .schedules()
            .schedule_delete(schedule.id)
            .await
            .unwrap();
        assert!(tasks.task_delete(schedule.task_id).await.unwrap());
        assert!(!tasks.task_delete(schedule.task_id).await.unwrap());
        assert_eq!(tasks.task_find(schedule.task_id).await.unwrap(), None);

        let with_job = stored_task(&*repositories, "with a job").await;
        repositories
            .jobs()
            .job_create_many(&[job(with_job)], &[])
            .await
            .unwrap();
        match tasks.task_delete(with_job).await {
            Err(RepositoryError::BrokenReference { what, id }) => {
                assert_eq!((what, id), ("task", with_job.to_string()));
            }
            other => panic!("{other:?}"),
        }
        assert!(tasks.task_find(with_job).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_task_that_nobody_offers_any_more_is_deleted_or_marked_where_something_needs_it() {
    on_each_database(async |repositories| {
        let tasks = repositories.tasks();
        let unused = stored_task(&*repositories, "unused").await;
        let untouched = stored_task(&*repositories, "untouched").await;
        let disabled = stored_task(&*repositories, "disabled").await;
        tasks.task_set_enabled(disabled, false).await.unwrap();
        let scheduled = stored_schedule(&*repositories, "nightly").await.task_id;
        let with_job = stored_task(&*repositories, "with a job").await;
        repositories
            .jobs()
            .job_create_many(&[job(with_job)], &[])
            .await
            .unwrap();
        let kept = [disabled, scheduled, with_job];

        let gone = [unused, disabled, scheduled, TaskId::new(), with_job];
        assert_eq!(tasks.task_remove_many(&gone, at(7)).await.unwrap(), 4);
        assert_eq!(tasks.task_find(unused).await.unwrap(), None);
        for id in kept {
            let row = tasks.task_find(id).await.unwrap().unwrap();
            assert_eq!((row.removed_at, row.updated_at), (Some(at(7)), at(7)));
            assert_eq!(row.enabled, id != disabled);
        }
        let row = tasks.task_find(untouched).await.unwrap().unwrap();
        assert_eq!((row.removed_at, row.updated_at), (None, at(0)));

        // Once is enough, and what is gone for longer stays so.
        assert_eq!(tasks.task_remove_many(&gone, at(8)).await.unwrap(), 0);
        let row = tasks.task_find(scheduled).await.unwrap().unwrap();
        assert_eq!(row.removed_at, Some(at(7)));
        assert_eq!(tasks.task_remove_many(&[], at(8)).await.unwrap(), 0);

        // It is back when it is stored again.
        let back = Task {
            removed_at: None,
            updated_at: at(9),
            ..row
        };
        tasks.task_upsert_many(std::slice::from_ref(&back)).await.unwrap();
        let expected = Task {
            revision: back.revision + 1,
            ..back
        };
        assert_eq!(tasks.task_find(scheduled).await.unwrap(), Some(expected));
    })
    .await;
}
