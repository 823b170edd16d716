use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ratchet_executor::{ExecutorConfig, ExecutorError, JobPipeline, JobPipelineParts, ServerStatus};
use ratchet_interfaces::{
    Clock, JobStatus, NodeId, OutputDestination, RuntimeStatus, TaskError, TaskId, UnifiedJob,
};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

use crate::world::{TypeValidator, World};

const GRACE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_job_runs_with_its_input_and_its_output_is_kept() {
    let world = World::new();
    let double = |request: ratchet_interfaces::TaskRequest| async move {
        assert_eq!(request.context.attempt, 1);
        Ok(json!(request.input.as_i64().unwrap() * 2))
    };
    let pipeline = world.pipeline(4, BuiltinRuntime::new().with("double", double));
    pipeline.start().await.unwrap();
    let task = world.task("double");
    let job = world.add(UnifiedJob::new(task, json!(21), world.now()));
    let done = |state: &crate::fake_database::State| state.job(job).status == JobStatus::Completed;
    world.database.until(done).await;
    assert_eq!(world.database.state().outputs[&job], json!(42));
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_failed_attempt_is_repeated_with_growing_delay_until_its_retries_are_used_up() {
    let world = World::new();
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = runs.clone();
    let fail = move |_| {
        let run = counter.fetch_add(1, Ordering::SeqCst) + 1;
        async move { Err(TaskError::failed(format!("failure {run}"))) }
    };
    let pipeline = world.pipeline(4, BuiltinRuntime::new().with("fail", fail));
    pipeline.start().await.unwrap();
    let mut job = UnifiedJob::new(world.task("fail"), Value::Null, world.now());
    job.max_retries = Some(2);
    let job = world.add(job);
    world.quiesce().await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(world.database.state().job(job).status, JobStatus::Retrying);
    // One second, then two, each shortened by up to a half so that many do not come back together.
    world.pass(Duration::from_millis(499)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    world.pass(Duration::from_millis(501)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    let run_after = world.database.state().job(job).run_after;
    assert!(
        run_after <= world.now() + chrono::TimeDelta::seconds(2),
        "{run_after}"
    );
    world.pass(Duration::from_millis(499)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    world.pass(Duration::from_millis(1_501)).await;
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    {
        let state = world.database.state();
        assert_eq!(state.job(job).status, JobStatus::Failed);
        assert_eq!(state.job(job).error.as_deref(), Some("failure 3"));
    }
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_permanent_error_is_not_repeated() {
    let world = World::new();
    let refuse = |_| async { Err(TaskError::permanent("never")) };
    let pipeline = world.pipeline(4, BuiltinRuntime::new().with("refuse", refuse));
    pipeline.start().await.unwrap();
    let mut job = UnifiedJob::new(world.task("refuse"), Value::Null, world.now());
    job.max_retries = Some(5);
    let job = world.add(job);
    world.quiesce().await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Failed);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_missing_a_disabled_and_an_unrunnable_task_fail_their_jobs_with_the_reason() {
    let world = World::new();
    let (disabled, alien, unregistered) = (world.task("off"), world.task("alien"), world.task("unknown"));
    {
        let mut state = world.database.state();
        state.tasks.get_mut(&disabled).unwrap().enabled = false;
        state.tasks.get_mut(&alien).unwrap().definition.runtime = "wasm".to_owned();
    }
    let missing = TaskId::new();
    let pipeline = world.pipeline(8, BuiltinRuntime::new());
    pipeline.start().await.unwrap();
    let jobs = [missing, disabled, alien, unregistered].map(|task| {
        let mut job = UnifiedJob::new(task, Value::Null, world.now());
        job.max_retries = Some(5);
        world.add(job)
    });
    world
        .database
        .until(|state| state.count(JobStatus::Failed) == 4)
        .await;
    let reasons = jobs.map(|job| world.database.state().job(job).error.clone().unwrap());
    assert_eq!(reasons[0], format!("task {missing} does not exist"));
    assert_eq!(reasons[1], "task off 1.0.0 is disabled");
    assert_eq!(reasons[2], "this server has no runtime \"wasm\"; it has: builtin");
    assert_eq!(
        reasons[3],
        "no builtin function is named \"unknown\"; none is registered"
    );
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_task_that_was_removed_runs_the_jobs_that_were_queued_before_and_no_others() {
    let world = World::new();
    let task = world.task("gone");
    let removed_at = world.now();
    world.database.state().tasks.get_mut(&task).unwrap().removed_at = Some(removed_at);
    let gone = BuiltinRuntime::new().with("gone", |_| async { Ok(json!("done")) });
    let pipeline = world.pipeline(8, gone);
    pipeline.start().await.unwrap();
    let before = world.add(UnifiedJob::new(task, Value::Null, removed_at));
    let mut after = UnifiedJob::new(task, Value::Null, removed_at);
    after.queued_at = removed_at + chrono::TimeDelta::microseconds(1);
    let after = world.add(after);
    world.quiesce().await;
    let ended = |job| {
        let state = world.database.state();
        (state.job(job).status, state.job(job).error.clone())
    };
    assert_eq!(ended(before), (JobStatus::Completed, None));
    let (status, reason) = ended(after);
    let reason = reason.unwrap();
    assert_eq!(status, JobStatus::Failed);
    assert!(
        reason.starts_with("task gone 1.0.0 was removed from its registry at ")
            && reason.ends_with(", before the job was queued"),
        "{reason}"
    );
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn no_more_jobs_run_at_once_than_allowed_and_a_freed_slot_is_used_at_once() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(0));
    let (door, status) = (gate.clone(), world.status.clone());
    let wait = move |_| {
        let (door, status) = (door.clone(), status.clone());
        async move {
            door.acquire().await.unwrap().forget();
            Ok(json!(status.active_jobs()))
        }
    };
    let pipeline = world.pipeline(3, BuiltinRuntime::new().with("wait", wait));
    let task = world.task("wait");
    for _ in 0..7 {
        world.job_of(task);
    }
    pipeline.start().await.unwrap();
    for completed in 0..=4 {
        world.quiesce().await;
        assert_eq!(world.status.active_jobs(), 3);
        let state = world.database.state();
        assert_eq!(state.count(JobStatus::Processing), 3);
        assert_eq!(state.count(JobStatus::Completed), completed);
        gate.add_permits(1);
    }
    gate.add_permits(7);
    world
        .database
        .until(|state| state.count(JobStatus::Completed) == 7)
        .await;
    pipeline.stop(GRACE).await;
    assert_eq!(world.status.active_jobs(), 0);
    let seen = world
        .database
        .state()
        .outputs
        .values()
        .map(|n| n.as_u64().unwrap())
        .max();
    assert_eq!(seen, Some(3));
}

#[tokio::test]
async fn a_task_that_takes_too_long_is_broken_off() {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let world = World::new();
    let gone = Arc::new(Notify::new());
    let signal = gone.clone();
    let hang = move |_| {
        let guard = Dropped(signal.clone());
        async move {
            let _guard = guard;
            std::future::pending().await
        }
    };
    let pipeline = world.pipeline(4, BuiltinRuntime::new().with("hang", hang));
    pipeline.start().await.unwrap();
    let task = world.task("hang");
    let patient = world.job_of(task);
    let mut hasty = UnifiedJob::new(task, Value::Null, world.now());
    hasty.timeout_seconds = Some(2);
    let hasty = world.add(hasty);
    world.pass(Duration::from_secs(2)).await;
    gone.notified().await;
    let error = |job| world.database.state().job(job).error.clone();
    assert_eq!(error(hasty).as_deref(), Some("timed out after 2 s"));
    assert_eq!(error(patient), None);
    world.pass(Duration::from_secs(8)).await;
    assert_eq!(error(patient).as_deref(), Some("timed out after 10 s"));
    assert_eq!(world.database.state().count(JobStatus::Failed), 2);
    pipeline.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_task_that_blocks_its_thread_holds_up_neither_its_slot_nor_the_stop() {
    let world = World::new();
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let begun = Arc::new(Notify::new());
    let told = begun.clone();
    let block = move |_| {
        let (blocked, told) = (blocked.clone(), told.clone());
        async move {
            told.notify_one();
            let ended = blocked.lock().unwrap().recv();
            Ok(json!(ended.is_ok()))
        }
    };
    let functions = BuiltinRuntime::new()
        .with("block", block)
        .with("pass", |_| async { Ok(Value::Null) });
    let pipeline = world.pipeline(1, functions);
    pipeline.start().await.unwrap();
    let stuck = world.job_of(world.task("block"));
    let next = world.job_of(world.task("pass"));
    begun.notified().await;
    // Time passes until the attempt's timeout, and the patience after it, have certainly been seen.
    let clock = world.clock.clone();
    let time = tokio::spawn(async move {
        loop {
            clock.advance(chrono::TimeDelta::seconds(1));
            tokio::task::yield_now().await;
        }
    });
    world
        .database
        .until(|state| state.job(next).status == JobStatus::Completed)
        .await;
    assert_eq!(
        world.database.state().job(stuck).error.as_deref(),
        Some("timed out after 10 s")
    );
    pipeline.stop(GRACE).await;
    time.abort();
    release.send(()).unwrap();
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt_and_the_pipeline_lives_on() {
    let world = World::new();
    let functions = BuiltinRuntime::new()
        .with("panic", |_| async { panic!("out of {}", "cheese") })
        .with("pass", |_| async { Ok(Value::Null) });
    let pipeline = world.pipeline(1, functions);
    pipeline.start().await.unwrap();
    let panicking = world.job_of(world.task("panic"));
    let passing = world.job_of(world.task("pass"));
    world
        .database
        .until(|state| state.job(passing).status == JobStatus::Completed)
        .await;
    {
        let state = world.database.state();
        assert_eq!(state.job(panicking).status, JobStatus::Failed);
        assert_eq!(
            state.job(panicking).error.as_deref(),
            Some("panicked: out of cheese")
        );
    }
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn each_task_is_looked_up_once_a_claim_whatever_the_number_of_its_jobs() {
    let world = World::new();
    let pipeline = world.pipeline(
        50,
        BuiltinRuntime::new().with("pass", |_| async { Ok(Value::Null) }),
    );
    let task = world.task("pass");
    for _ in 0..40 {
        world.job_of(task);
    }
    pipeline.start().await.unwrap();
    world
        .database
        .until(|state| state.count(JobStatus::Completed) == 40)
        .await;
    let lookups = world
        .take_statements()
        .iter()
        .filter(|verb| **verb == "task")
        .count();
    assert_eq!(lookups, 1);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_result_with_destinations_is_written_to_the_outbox_and_announced() {
    let world = World::new();
    let pipeline = world.pipeline(4, BuiltinRuntime::new().with("pass", |_| async { Ok(json!(7)) }));
    pipeline.start().await.unwrap();
    let announced = world.deliveries_available.arm();
    let mut job = UnifiedJob::new(world.task("pass"), Value::Null, world.now());
    job.output_destinations = vec![OutputDestination::stdout_json()];
    world.add(job);
    announced.await;
    {
        let state = world.database.state();
        assert_eq!(state.deliveries.len(), 1);
        assert_eq!(state.deliveries[0].payload.output, json!(7));
    }
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn two_runtimes_of_one_name_are_refused() {
    let world = World::new();
    let refused = JobPipeline::new(JobPipelineParts {
        config: ExecutorConfig::new(1, 1).unwrap(),
        jobs: world.database.clone(),
        executions: world.database.clone(),
        tasks: world.database.clone(),
        validator: Arc::new(TypeValidator),
        clock: world.clock.clone(),
        status: Arc::new(ServerStatus::new("1", world.clock.clone() as Arc<dyn Clock>)),
        runtimes: vec![Arc::new(BuiltinRuntime::new()), Arc::new(BuiltinRuntime::new())],
        node: NodeId::new(),
        jobs_available: world.jobs_available.clone(),
        jobs_stopping: world.jobs_stopping.clone(),
        deliveries_available: world.deliveries_available.clone(),
        events: world.heard.clone(),
    });
    let Err(ExecutorError::DuplicateRuntime { name }) = refused else {
        panic!("two runtimes were accepted");
    };
    assert_eq!(name, "builtin");
}
