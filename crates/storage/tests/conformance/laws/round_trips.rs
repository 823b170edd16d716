//! Whatever is stored comes back equal.

use proptest::prelude::*;
use proptest::sample::select;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, Choice, ClaimRequest, Delivery, DeliveryId, DeliveryStatus,
    ExecutionCondition, ExecutionFilter, ExecutionLogLine, ExecutionSort, FiringOutcome, JobId, JobOrigin,
    JobResult, LogFilter, LogLevel, NodeId, OutputDestination, ScheduleId, SchedulePolicies, SettleOutcome,
    Task, TaskId, TickCondition, TickFilter, TickFiring, TickOutcome, TickRecord, TickSort, UnifiedJob,
    UnifiedSchedule,
};

use super::any::{any_job, any_schedule, any_task, instant, json, length, text};
use super::{Databases, for_all};
use crate::sample::{claim, everything, fired_job, firing, job, schedule, stored_schedule, stored_task};

#[test]
fn a_task_comes_back_as_it_was_stored() {
    for_all(
        48,
        Databases::OneForAllCases,
        any_task(),
        async |repositories, mut task: Task| {
            task.definition.id = TaskId::new();
            task.definition.version.push_str(&task.definition.id.to_string());
            let tasks = repositories.tasks();
            tasks.task_upsert_many(std::slice::from_ref(&task)).await.unwrap();
            assert_eq!(tasks.task_find(task.definition.id).await.unwrap(), Some(task));
        },
    );
}

#[test]
fn a_schedule_comes_back_as_it_was_stored_and_as_it_was_changed() {
    let both = (any_schedule(), any_schedule());
    for_all(
        48,
        Databases::OneForAllCases,
        both,
        async |repositories, (stored, change)| {
            let id = ScheduleId::new();
            let task_id = stored_task(&*repositories, &format!("task of {id}")).await;
            let stored = UnifiedSchedule {
                id,
                task_id,
                name: format!("{}{id}", stored.name),
                ..stored
            };
            let schedules = repositories.schedules();
            schedules.schedule_create(&stored).await.unwrap();
            let by_name = schedules.schedule_find_by_name(&stored.name).await.unwrap();
            assert_eq!(by_name.as_ref(), Some(&stored));
            assert_eq!(schedules.schedule_find(id).await.unwrap().as_ref(), Some(&stored));

            let changed = UnifiedSchedule {
                id,
                task_id,
                name: format!("{}{id}", change.name),
                version: stored.version,
                timing_version: stored.timing_version,
                ..change
            };
            let expected = UnifiedSchedule {
                version: stored.version + 1,
                timing_version: stored.timing_version + 1,
                last_run: stored.last_run,
                run_count: stored.run_count,
                requests: stored.requests,
                created_at: stored.created_at,
                ..changed.clone()
            };
            assert_eq!(schedules.schedule_update(&changed).await.unwrap(), expected);
            assert_eq!(schedules.schedule_find(id).await.unwrap(), Some(expected));
        },
    );
}

#[test]
fn a_job_comes_back_as_it_was_stored() {
    for_all(
        48,
        Databases::OneForAllCases,
        any_job(),
        async |repositories, job| {
            let id = JobId::new();
            let schedule = stored_schedule(&*repositories, &id.to_string()).await;
            let stored = UnifiedJob {
                id,
                task_id: schedule.task_id,
                schedule_id: job.scheduled_for.map(|_| schedule.id),
                lease_owner: job.lease_until.map(|_| NodeId::new()),
                ..job
            };
            let jobs = repositories.jobs();
            jobs.job_create_many(std::slice::from_ref(&stored), &[])
                .await
                .unwrap();
            assert_eq!(jobs.job_find(id).await.unwrap(), Some(stored));
        },
    );
}

#[test]
fn a_row_of_the_ledger_comes_back_as_it_was_stored() {
    let values = (
        (instant(), instant(), instant(), instant()),
        (0..=i64::MAX as u64, length(), proptest::option::of(text())),
        proptest::sample::select(TickOutcome::ALL),
        any::<bool>(),
    );
    for_all(
        32,
        Databases::OneForAllCases,
        values,
        async |repositories, value| {
            let (
                (next_run, scheduled_for, through, decided_at),
                (count, lateness, reason),
                outcome,
                names_job,
            ) = value;
            let task = stored_task(&*repositories, &format!("task {}", JobId::new())).await;
            let stored = UnifiedSchedule {
                next_run: Some(next_run),
                ..schedule(&ScheduleId::new().to_string(), task)
            };
            repositories.schedules().schedule_create(&stored).await.unwrap();
            let record = TickRecord {
                scheduled_for,
                through,
                count,
                outcome,
                reason: reason.map(Into::into),
                job_id: (names_job || outcome.is_run()).then(JobId::new),
                lateness,
                decided_at,
            };
            let decision = TickFiring {
                schedule_id: stored.id,
                expected_timing_version: stored.timing_version,
                expected_next_run: next_run,
                records: vec![record.clone()],
                policies: SchedulePolicies::default(),
                next_run: Some(through),
                completion: None,
                resumes: false,
                decided_at,
            };
            let outcomes = repositories
                .ticks()
                .tick_fire_many(&[decision])
                .await
                .unwrap()
                .outcomes;
            assert_eq!(outcomes, [FiringOutcome::Committed]);
            let of_it = TickFilter::of([TickCondition::ScheduleId(Choice::Is(stored.id))]);
            let ledger = repositories
                .ticks()
                .tick_list(&of_it, TickSort::default(), everything())
                .await
                .unwrap();
            assert_eq!(ledger.items.len(), 1);
            assert_eq!(ledger.items[0].record, record);
        },
    );
}

#[test]
fn the_job_of_a_tick_has_what_its_schedule_has() {
    for_all(
        32,
        Databases::OneForAllCases,
        any_schedule(),
        async |repositories, any| {
            let id = ScheduleId::new();
            let stored = UnifiedSchedule {
                id,
                task_id: stored_task(&*repositories, &id.to_string()).await,
                name: format!("{}{id}", any.name),
                next_run: Some(any.created_at),
                enabled: true,
                pause: None,
                run_count: 0,
                ..any
            };
            repositories.schedules().schedule_create(&stored).await.unwrap();
            let tick = stored.next_run.unwrap();
            let mut decision = TickFiring {
                expected_next_run: tick,
                next_run: None,
                decided_at: tick,
                ..firing(&schedule("template", stored.task_id))
            };
            let id = fired_job(&decision);
            decision.schedule_id = stored.id;
            decision.expected_timing_version = stored.timing_version;
            decision.records[0].scheduled_for = tick;
            decision.records[0].through = tick;
            decision.records[0].decided_at = tick;
            let outcomes = repositories
                .ticks()
                .tick_fire_many(&[decision])
                .await
                .unwrap()
                .outcomes;
            assert_eq!(outcomes, [FiringOutcome::Committed]);
            let expected = UnifiedJob {
                id,
                schedule_id: Some(stored.id),
                scheduled_for: Some(tick),
                origin: JobOrigin::Tick,
                priority: stored.priority,
                max_retries: stored.max_retries,
                timeout_seconds: stored.timeout_seconds,
                output_destinations: stored.output_destinations,
                ..UnifiedJob::new(stored.task_id, stored.input, tick)
            };
            assert_eq!(repositories.jobs().job_find(id).await.unwrap(), Some(expected));
        },
    );
}

#[test]
fn a_result_and_its_delivery_and_its_log_come_back_as_they_were_stored() {
    let values = (
        json(),
        json(),
        json(),
        select(LogLevel::ALL),
        text(),
        instant(),
        length(),
    );
    for_all(
        32,
        Databases::OneForAllCases,
        values,
        async |repositories, value| {
            let (input, output, payload, level, message, moment, duration) = value;
            let node = NodeId::new();
            let task = stored_task(&*repositories, &format!("task {node}")).await;
            let queued = UnifiedJob {
                input: input.clone(),
                ..job(task)
            };
            let jobs = repositories.jobs();
            jobs.job_create_many(std::slice::from_ref(&queued), &[])
                .await
                .unwrap();
            let request = ClaimRequest {
                limit: 1,
                ..claim(node, 1)
            };
            let claimed = jobs.job_claim_many(request).await.unwrap().jobs.remove(0);
            assert_eq!(claimed.job.id, queued.id, "the cases before have settled theirs");
            let line = ExecutionLogLine {
                execution_id: claimed.execution_id,
                seq: 0,
                at: moment,
                level,
                message,
            };
            let executions = repositories.executions();
            executions
                .execution_tell(std::slice::from_ref(&line), &[])
                .await
                .unwrap();
            let delivery = Delivery {
                id: DeliveryId::new(),
                job_id: queued.id,
                execution_id: claimed.execution_id,
                destination: OutputDestination::stdout_json(),
                payload: JobResult::completed(queued.id, claimed.execution_id, payload, moment),
                status: DeliveryStatus::Pending,
                attempts: 0,
                next_attempt_at: moment,
                last_error: None,
                created_at: moment,
                delivered_at: None,
            };
            let outcome = AttemptOutcome {
                job_id: queued.id,
                execution_id: claimed.execution_id,
                node,
                result: AttemptResult::Succeeded {
                    output: output.clone(),
                },
                error_kind: None,
                deliveries: vec![delivery.clone()],
                log: Vec::new(),
                ended_at: moment,
                duration,
            };
            let settled = jobs.job_settle_many(&[outcome]).await.unwrap();
            assert_eq!(settled.outcomes, [SettleOutcome::Settled]);

            let of_job = ExecutionFilter::of([ExecutionCondition::JobId(Choice::Is(queued.id))]);
            let execution = executions
                .execution_list(&of_job, ExecutionSort::default(), everything())
                .await
                .unwrap()
                .items
                .remove(0);
            assert_eq!((execution.input, execution.output), (input, Some(output)));
            assert_eq!(
                (execution.completed_at, execution.duration),
                (Some(moment), Some(duration))
            );
            let found = repositories
                .deliveries()
                .delivery_find(delivery.id)
                .await
                .unwrap();
            assert_eq!(found, Some(delivery));
            let log = executions
                .execution_log_list(claimed.execution_id, &LogFilter::default(), everything())
                .await
                .unwrap();
            assert_eq!(log.items, [line]);
        },
    );
}
