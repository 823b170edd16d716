use chrono::{DateTime, Utc};
use ratchet_interfaces::{ScheduleId, ScheduleState, TaskId, UnifiedSchedule};
use serde::{Deserialize, Serialize};
use tokio_cron_scheduler::job::job_data::{CronJob, JobStoredData, JobType, job_stored_data::Job};
use uuid::Uuid;

/// What tokio-cron-scheduler's record has no field for travels in its `extra` bytes, as JSON.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extra {
    task_id: Option<TaskId>,
    name: Option<String>,
    timezone: Option<String>,
}

/// A record of tokio-cron-scheduler that cannot be a schedule.
#[derive(Debug, thiserror::Error)]
pub enum JobDataError {
    /// It has no id.
    #[error("the job has no id")]
    NoId,
    /// It is not a cron job.
    #[error("job {id} is not a cron job: one-shot and repeated jobs have no place in a schedule's row")]
    NotCron {
        /// The job.
        id: Uuid,
    },
    /// It does not say which task it runs.
    #[error("job {id} names no task: put {{\"taskId\": …}} into its extra bytes, or let the store adopt it")]
    NoTask {
        /// The job.
        id: Uuid,
    },
    /// Its zone is lost: tokio-cron-scheduler keeps an offset instead.
    #[error(
        "job {id} has an offset of {offset_seconds} s from UTC and no zone: put {{\"timezone\": …}} into its extra bytes"
    )]
    NoZone {
        /// The job.
        id: Uuid,
        /// What it has instead.
        offset_seconds: i32,
    },
    /// Its extra bytes are not ours.
    #[error("the extra bytes of job {id} cannot be read")]
    Extra {
        /// The job.
        id: Uuid,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// The record of a schedule.
pub(crate) fn job_from_schedule(schedule: &UnifiedSchedule) -> Result<JobStoredData, JobDataError> {
    let id = schedule.id.as_uuid();
    let extra = Extra {
        task_id: Some(schedule.task_id),
        name: Some(schedule.name.clone()),
        timezone: Some(schedule.timezone.clone()),
    };
    Ok(JobStoredData {
        id: Some(id.into()),
        last_updated: Some(seconds(schedule.updated_at)),
        last_tick: schedule.last_run.map(seconds),
        next_tick: schedule.next_run.map_or(0, seconds),
        job_type: JobType::Cron.into(),
        count: u32::try_from(schedule.run_count).unwrap_or(u32::MAX),
        extra: serde_json::to_vec(&extra).map_err(|source| JobDataError::Extra { id, source })?,
        ran: schedule.run_count > 0,
        stopped: !schedule.enabled,
        job: Some(Job::CronJob(CronJob {
            schedule: schedule.specification.clone(),
        })),
        time_offset_seconds: 0,
    })
}

/// The schedule of a record, for a row that does not exist yet.
pub(crate) fn schedule_from_job(
    job: JobStoredData,
    adopting: Option<TaskId>,
    now: DateTime<Utc>,
) -> Result<UnifiedSchedule, JobDataError> {
    let id: Uuid = job.id.as_ref().map(Uuid::from).ok_or(JobDataError::NoId)?;
    let Some(Job::CronJob(CronJob {
        schedule: specification,
    })) = job.job
    else {
        return Err(JobDataError::NotCron { id });
    };
    let extra: Extra = if job.extra.is_empty() {
        Extra::default()
    } else {
        serde_json::from_slice(&job.extra).map_err(|source| JobDataError::Extra { id, source })?
    };
    let task_id = extra.task_id.or(adopting).ok_or(JobDataError::NoTask { id })?;
    let timezone = match (extra.timezone, job.time_offset_seconds) {
        (Some(timezone), _) => timezone,
        (None, 0) => "UTC".to_owned(),
        (None, offset_seconds) => return Err(JobDataError::NoZone { id, offset_seconds }),
    };
    Ok(UnifiedSchedule {
        id: ScheduleId::from_uuid(id),
        timezone,
        enabled: !job.stopped,
        state: ScheduleState::Active,
        ..UnifiedSchedule::new(
            extra.name.unwrap_or_else(|| format!("job-{id}")),
            task_id,
            specification,
            now,
        )
    })
}

/// tokio-cron-scheduler counts in whole seconds since the epoch, and takes 0 for never.
pub(crate) fn seconds(instant: DateTime<Utc>) -> u64 {
    u64::try_from(instant.timestamp()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> UnifiedSchedule {
        let mut schedule =
            UnifiedSchedule::new("nightly", TaskId::new(), "0 0 3 * * *", DateTime::UNIX_EPOCH);
        schedule.timezone = "Europe/Berlin".to_owned();
        schedule
    }

    #[test]
    fn a_schedule_survives_the_way_through_the_record() {
        let before = schedule();
        let record = job_from_schedule(&before).unwrap();
        let after = schedule_from_job(record, None, before.created_at).unwrap();
        assert_eq!(after, before);
    }

    #[test]
    fn a_record_without_a_task_is_refused_unless_one_adopts_it() {
        let mut record = job_from_schedule(&schedule()).unwrap();
        record.extra.clear();
        let refused = schedule_from_job(record.clone(), None, DateTime::UNIX_EPOCH);
        assert!(matches!(refused, Err(JobDataError::NoTask { .. })));
        let task = TaskId::new();
        assert_eq!(
            schedule_from_job(record, Some(task), DateTime::UNIX_EPOCH)
                .unwrap()
                .task_id,
            task
        );
    }

    #[test]
    fn an_offset_without_a_zone_is_refused() {
        let mut record = job_from_schedule(&schedule()).unwrap();
        record.extra.clear();
        record.time_offset_seconds = 3_600;
        let refused = schedule_from_job(record, Some(TaskId::new()), DateTime::UNIX_EPOCH);
        assert!(matches!(
            refused,
            Err(JobDataError::NoZone {
                offset_seconds: 3_600,
                ..
            })
        ));
    }
}
