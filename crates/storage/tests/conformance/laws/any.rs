//! Values of every kind that a repository may be given, the ugly ones more often than the others.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use ratchet_interfaces::{
    JobOrigin, JobPriority, JobStatus, MisfirePolicy, OutputDestination, OutputFormat, OutputTarget,
    OverlapPolicy, Pause, SchedulePolicies, ScheduleState, StdioOptions, StdioStream, Task, TaskDefinition,
    TaskId, TaskLimits, UnifiedJob, UnifiedSchedule,
};
use serde_json::Value;

use crate::sample::{at, job, schedule, task};

/// A text without NUL, for which see [`nul_and_text`].
pub(super) fn text() -> impl Strategy<Value = String> {
    let ugly = select(
        "%_'\"\\/?$:{}[]<>;\n\r\t\u{1}\u{1f}\u{7f}\u{85}ßÄ🚲\u{301}\u{200d}\u{2028}\u{feff}\u{fffd}\u{ffff}"
            .chars()
            .collect::<Vec<_>>(),
    );
    let any = any::<char>().prop_filter("without NUL", |char| *char != '\0');
    vec(
        prop_oneof![3 => ugly, 2 => proptest::char::range('a', 'f'), 1 => any],
        0..24,
    )
    .prop_map(|chars| chars.into_iter().collect())
}

/// A text that may hold NUL as well.
fn nul_and_text() -> impl Strategy<Value = String> {
    (text(), any::<bool>()).prop_map(|(text, nul)| if nul { format!("{text}\0{text}") } else { text })
}

/// Any instant that chrono knows, in microseconds.
pub(super) fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    let (first, last) = (
        DateTime::<Utc>::MIN_UTC.timestamp_micros(),
        DateTime::<Utc>::MAX_UTC.timestamp_micros(),
    );
    let near = 1_700_000_000_000_000..1_900_000_000_000_000_i64;
    prop_oneof![
        4 => near,
        2 => first..=last,
        1 => select(vec![first, first + 1, -1, 0, 1, last - 1, last]),
    ]
    .prop_map(|micros| DateTime::from_timestamp_micros(micros).unwrap())
}

pub(super) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no other", |number| number.is_finite())
            .prop_map(Value::from),
        nul_and_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(nul_and_text(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

pub(super) fn length() -> impl Strategy<Value = TimeDelta> {
    prop_oneof![0..10_000_000_i64, 0..=i64::MAX].prop_map(TimeDelta::microseconds)
}

fn destinations() -> impl Strategy<Value = Vec<OutputDestination>> {
    let destination = (any::<[bool; 2]>(), option::of(text())).prop_map(|([stdout, metadata], prefix)| {
        OutputDestination::of(OutputTarget::Stdio {
            stdio: StdioOptions {
                stream: if stdout {
                    StdioStream::Stdout
                } else {
                    StdioStream::Stderr
                },
                format: OutputFormat::Json,
                include_metadata: metadata,
                prefix,
            },
        })
    });
    vec(destination, 0..3)
}

/// A task whose name and version may be another's.
pub(super) fn any_task() -> impl Strategy<Value = Task> {
    let texts = (text(), text(), option::of(text()), text(), text());
    let schemas = (option::of(json()), option::of(json()), option::of(json()));
    let instants = (option::of(instant()), instant(), instant());
    let further = (
        option::of(text()),
        vec(text(), 0..3),
        option::of(text()),
        limits(),
        option::of(instant()),
    );
    (texts, schemas, instants, any::<bool>(), further).prop_map(
        |(
            (name, version, description, runtime, registry),
            (input_schema, output_schema, metadata),
            (validated_at, created_at, updated_at),
            enabled,
            (label, tags, source, limits, removed_at),
        )| Task {
            definition: TaskDefinition {
                id: TaskId::new(),
                name,
                version,
                label,
                description,
                tags,
                runtime,
                source,
                input_schema,
                output_schema,
                limits,
                retry: None,
                metadata,
            },
            registry,
            enabled,
            removed_at,
            validated_at,
            created_at,
            updated_at,
            revision: 1,
        },
    )
}

fn limits() -> impl Strategy<Value = TaskLimits> {
    let number = || option::of(any::<u32>());
    (number(), option::of(0..=i64::MAX as u64), number(), number()).prop_map(
        |(timeout_seconds, memory_bytes, max_concurrent, max_per_key)| TaskLimits {
            timeout_seconds,
            memory_bytes,
            max_concurrent,
            max_per_key,
        },
    )
}

fn any_policies() -> impl Strategy<Value = SchedulePolicies> {
    (
        (select(MisfirePolicy::ALL), select(OverlapPolicy::ALL)),
        (option::of(length()), length(), length()),
        any::<[u32; 2]>(),
        option::of(0..=i64::MAX as u64),
        option::of(any::<u32>()),
    )
        .prop_map(
            |(
                (misfire, overlap),
                (grace, catch_up_window, spread),
                [catch_up_max, buffer_limit],
                max_runs,
                pause_after_failures,
            )| SchedulePolicies {
                misfire,
                grace,
                catch_up_max,
                catch_up_window,
                overlap,
                buffer_limit,
                spread,
                max_runs,
                pause_after_failures,
            },
        )
}

fn any_pause() -> impl Strategy<Value = Pause> {
    (instant(), text(), option::of(text()), option::of(instant())).prop_map(|(since, by, note, resume_at)| {
        Pause {
            since,
            by,
            note,
            resume_at,
        }
    })
}

/// A schedule of no task, whose name may be another's.
pub(super) fn any_schedule() -> impl Strategy<Value = UnifiedSchedule> {
    let texts = (
        text(),
        option::of(text()),
        text(),
        text(),
        option::of(text()),
        option::of(text()),
    );
    let json = (json(), option::of(json()), destinations());
    let names = (
        select(ScheduleState::ALL),
        any_policies(),
        option::of(any_pause()),
        select(JobPriority::ALL),
    );
    let numbers = (
        any::<u32>(),
        option::of(any::<u32>()),
        0..=i64::MAX as u64,
        0..u32::MAX,
        [0..u32::MAX, 0..u32::MAX, 0..u32::MAX],
    );
    let instants = (
        option::of(instant()),
        option::of(instant()),
        instant(),
        instant(),
        instant(),
    );
    (texts, json, names, numbers, instants, any::<bool>()).prop_map(
        |(
            (name, description, specification, timezone, state_reason, managed_by),
            (input, metadata, output_destinations),
            (state, policies, pause, priority),
            (
                max_retries,
                timeout_seconds,
                run_count,
                version,
                [timing_version, consecutive_failures, requests],
            ),
            (next_run, last_run, created_at, updated_at, effective_from),
            enabled,
        )| UnifiedSchedule {
            description,
            specification,
            timezone,
            input,
            enabled,
            state,
            state_reason,
            policies,
            pause,
            priority,
            max_retries: Some(max_retries),
            timeout_seconds,
            next_run,
            last_run,
            run_count,
            consecutive_failures,
            requests,
            effective_from,
            output_destinations,
            metadata,
            managed_by,
            version,
            timing_version,
            created_at,
            updated_at,
            ..schedule(&name, task("none").definition.id)
        },
    )
}

/// A job of no task and no schedule.
pub(super) fn any_job() -> impl Strategy<Value = UnifiedJob> {
    let numbers = (any::<[u32; 4]>(), option::of(any::<u32>()));
    let instants = (
        instant(),
        instant(),
        option::of(instant()),
        option::of(instant()),
        option::of(instant()),
        option::of(instant()),
        option::of(instant()),
    );
    let names = (
        select(JobStatus::ALL),
        select(JobPriority::ALL),
        select(JobOrigin::ALL),
    );
    (
        json(),
        option::of(text()),
        destinations(),
        names,
        numbers,
        instants,
    )
        .prop_map(
            |(
                input,
                error,
                output_destinations,
                (status, priority, origin),
                ([attempts, retry_count, max_retries, request], timeout_seconds),
                (
                    run_after,
                    queued_at,
                    scheduled_for,
                    lease_until,
                    started_at,
                    completed_at,
                    stop_requested_at,
                ),
            )| UnifiedJob {
                scheduled_for,
                origin,
                request,
                input,
                priority,
                status,
                attempts,
                retry_count,
                max_retries: Some(max_retries),
                run_after,
                lease_until,
                stop_requested_at,
                timeout_seconds,
                error,
                output_destinations,
                queued_at,
                started_at,
                completed_at,
                ..job(task("none").definition.id)
            },
        )
}

/// One of a few instants, so that rows share some.
pub(super) fn one_of_few_instants() -> impl Strategy<Value = DateTime<Utc>> {
    (0..6_i64).prop_map(at)
}

/// A short text of a few letters, so that texts hold each other.
pub(super) fn one_of_few_texts() -> impl Strategy<Value = String> {
    vec(select(vec!['a', 'A', 'b', '%', '_', 'ä', 'Ä', '\'', '\\']), 0..4)
        .prop_map(|chars| chars.into_iter().collect())
}
