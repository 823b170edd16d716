use ratchet_interfaces::{FiringOutcome, RepositoryError, ScheduleId, TickFilter, TickSort, UnifiedJob};

use crate::harness::{assert_refused, on_each_database};
use crate::sample::{everything, fired_job, firing, stored_schedule};

#[tokio::test]
async fn a_deleted_schedule_is_gone_and_its_name_is_free() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let gone = stored_schedule(&*repositories, "nightly").await;
        assert!(schedules.schedule_delete(gone.id).await.unwrap().existed);
        assert_eq!(schedules.schedule_find(gone.id).await.unwrap(), None);
        assert_eq!(schedules.schedule_find_timing(gone.id).await.unwrap(), None);
        assert!(!schedules.schedule_delete(gone.id).await.unwrap().existed);
        assert!(
            !schedules
                .schedule_delete(ScheduleId::new())
                .await
                .unwrap()
                .existed
        );
        schedules.schedule_create(&gone).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_schedule_of_another_version_is_not_deleted() {
    on_each_database(async |repositories| {
        let schedules = repositories.schedules();
        let stored = stored_schedule(&*repositories, "nightly").await;
        let other = stored.version + 1;
        assert_refused!(
            schedules.schedule_delete_version(stored.id, other).await,
            RepositoryError::VersionConflict { what: "schedule", .. }
        );
        let deleted = schedules.schedule_delete_version(stored.id, stored.version).await;
        assert!(deleted.unwrap().existed);
        let again = schedules.schedule_delete_version(stored.id, stored.version).await;
        assert!(!again.unwrap().existed);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_schedule_takes_its_ledger_with_it_and_leaves_its_jobs() {
    on_each_database(async |repositories| {
        let (schedules, ticks, jobs) = (
            repositories.schedules(),
            repositories.ticks(),
            repositories.jobs(),
        );
        let gone = stored_schedule(&*repositories, "gone").await;
        let kept = stored_schedule(&*repositories, "kept").await;
        let firings = [firing(&gone), firing(&kept)];
        let outcomes = ticks.tick_fire_many(&firings).await.unwrap().outcomes;
        assert_eq!(outcomes, vec![FiringOutcome::Committed; 2]);
        let [job_of_gone, job_of_kept] = firings.map(|firing| fired_job(&firing));
        let before = jobs.job_find(job_of_gone).await.unwrap().unwrap();
        assert_eq!(before.schedule_id, Some(gone.id));

        schedules.schedule_delete(gone.id).await.unwrap();

        let ledger = ticks
            .tick_list(&TickFilter::default(), TickSort::default(), everything())
            .await
            .unwrap();
        assert_eq!(ledger.total, 1);
        assert_eq!(ledger.items[0].schedule_id, kept.id);
        let left = UnifiedJob {
            schedule_id: None,
            ..before
        };
        assert_eq!(jobs.job_find(job_of_gone).await.unwrap(), Some(left));
        let other = jobs.job_find(job_of_kept).await.unwrap().unwrap();
        assert_eq!(other.schedule_id, Some(kept.id));
    })
    .await;
}
