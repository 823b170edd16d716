use chrono::{DateTime, SecondsFormat, Utc};
use ratchet_interfaces::{
    ClaimedJob, Delivery, DeliveryId, DeliveryStatus, JobStatus, OutputDestination, TaskDefinition,
};
use serde_json::{Value, json};

/// One delivery for each of the job's destinations.
pub(super) fn of(
    claimed: &ClaimedJob,
    task: Option<&TaskDefinition>,
    output: &Value,
    now: DateTime<Utc>,
) -> Vec<Delivery> {
    let destinations = &claimed.job.output_destinations;
    destinations
        .iter()
        .map(|destination| Delivery {
            id: DeliveryId::new(),
            job_id: claimed.job.id,
            execution_id: claimed.execution_id,
            destination: destination.clone(),
            payload: if wants_metadata(destination) {
                with_metadata(claimed, task, output)
            } else {
                output.clone()
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

fn wants_metadata(destination: &OutputDestination) -> bool {
    match destination {
        OutputDestination::Stdio { stdio } => stdio.include_metadata,
    }
}

fn with_metadata(claimed: &ClaimedJob, task: Option<&TaskDefinition>, output: &Value) -> Value {
    let job = &claimed.job;
    json!({
        "job": job.id,
        "task": task.map(|task| &task.name),
        "schedule": job.schedule_id,
        "tick": job.scheduled_for.map(|tick| tick.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        "status": JobStatus::Completed.as_str(),
        "output": output,
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use ratchet_interfaces::{ExecutionId, ScheduleId, StdioOptions, StdioStream, TaskId, UnifiedJob};

    use super::*;

    #[test]
    fn each_destination_gets_the_output_and_the_metadata_if_it_wants_it() {
        let now = Utc.with_ymd_and_hms(2026, 1, 1, 0, 5, 0).unwrap();
        let schedule = ScheduleId::new();
        let mut job = UnifiedJob::new(TaskId::new(), json!({}), now);
        job.schedule_id = Some(schedule);
        job.scheduled_for = Some(now);
        job.output_destinations = vec![
            OutputDestination::stdout_json(),
            OutputDestination::Stdio {
                stdio: StdioOptions {
                    stream: StdioStream::Stderr,
                    format: Default::default(),
                    include_metadata: true,
                    prefix: None,
                },
            },
        ];
        let task = TaskDefinition {
            id: job.task_id,
            name: "weigh".to_owned(),
            version: "1".to_owned(),
            description: None,
            runtime: "builtin".to_owned(),
            input_schema: None,
            output_schema: None,
            metadata: None,
        };
        let claimed = ClaimedJob {
            job,
            execution_id: ExecutionId::new(),
        };
        let payloads: Vec<Value> = of(&claimed, Some(&task), &json!(7), now)
            .into_iter()
            .map(|delivery| delivery.payload)
            .collect();
        let told = json!({
            "job": claimed.job.id,
            "task": "weigh",
            "schedule": schedule,
            "tick": "2026-01-01T00:05:00Z",
            "status": "completed",
            "output": 7,
        });
        assert_eq!(payloads, [json!(7), told]);
    }
}
