use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    AttemptResult, ClaimedJob, Delivery, DeliveryId, DeliveryStatus, JobResult, JobStatus, TaskDefinition,
};
use serde_json::Value;

/// One delivery for each of the job's destinations that wants a result like this, if the job is final.
pub(super) fn of(
    claimed: &ClaimedJob,
    task: Option<&TaskDefinition>,
    result: &AttemptResult,
    now: DateTime<Utc>,
) -> Vec<Delivery> {
    let job = &claimed.job;
    let (status, error, output) = match result {
        AttemptResult::Succeeded { output } => (JobStatus::Completed, None, output),
        AttemptResult::Failed { error } => (JobStatus::Failed, Some(error), &Value::Null),
        AttemptResult::Retry { .. } | AttemptResult::Cancelled { .. } | AttemptResult::HandedBack { .. } => {
            return Vec::new();
        }
    };
    let wanting = job.output_destinations.iter();
    wanting
        .filter(|destination| destination.wants(status))
        .map(|destination| Delivery {
            id: DeliveryId::new(),
            job_id: job.id,
            execution_id: claimed.execution_id,
            destination: destination.clone(),
            payload: JobResult {
                job: job.id,
                execution: claimed.execution_id,
                task: task.map(|task| task.name.clone()),
                version: task.map(|task| task.version.clone()),
                schedule: job.schedule_id,
                tick: job.scheduled_for,
                attempt: job.attempts,
                status,
                ended_at: now,
                error: error.cloned(),
                output: output.clone(),
            },
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: now,
            last_error: None,
            created_at: now,
            delivered_at: None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use ratchet_interfaces::{ExecutionId, OutputDestination, ResultFilter, ScheduleId, TaskId, UnifiedJob};
    use serde_json::json;

    use super::*;

    #[test]
    fn each_destination_that_wants_the_result_gets_it_with_all_that_is_known_of_the_job() {
        let now = Utc.with_ymd_and_hms(2026, 1, 1, 0, 5, 0).unwrap();
        let mut job = UnifiedJob::new(TaskId::new(), json!({}), now);
        job.schedule_id = Some(ScheduleId::new());
        job.scheduled_for = Some(now);
        job.output_destinations = vec![OutputDestination::stdout_json(); 3];
        job.output_destinations[1].results = ResultFilter::Failed;
        job.output_destinations[2].results = ResultFilter::All;
        let task = TaskDefinition::new(job.task_id, "weigh", "1", "builtin");
        let claimed = ClaimedJob {
            job,
            execution_id: ExecutionId::new(),
        };
        let of = |result| of(&claimed, Some(&task), &result, now);
        let deliveries = of(AttemptResult::Succeeded { output: json!(7) });
        assert_eq!(deliveries.len(), 2);
        let expected = JobResult {
            job: claimed.job.id,
            execution: claimed.execution_id,
            task: Some("weigh".to_owned()),
            version: Some("1".to_owned()),
            schedule: claimed.job.schedule_id,
            tick: Some(now),
            attempt: 0,
            status: JobStatus::Completed,
            ended_at: now,
            error: None,
            output: json!(7),
        };
        assert_eq!(deliveries[0].payload, expected);
        let error = || "oh".to_owned();
        let deliveries = of(AttemptResult::Failed { error: error() });
        assert_eq!(deliveries.len(), 2);
        assert_eq!(deliveries[0].payload.error, Some(error()));
        assert_eq!(deliveries[0].destination.results, ResultFilter::Failed);
        assert_eq!(
            of(AttemptResult::Retry {
                error: error(),
                run_after: now
            }),
            []
        );
    }
}
