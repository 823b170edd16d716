use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, Choice, ClaimRequest, ExecutionCondition, ExecutionFilter, ExecutionSort,
    ExecutionStatus, JobCondition, JobFilter, JobSort, JobStatus, NodeId, PageRequest, RepositoryError,
    RepositoryFactory, ScheduleFilter, ScheduleSort, SortOrder, Task, TaskDefinition, TaskId, UnifiedJob,
    UnifiedSchedule,
};
use ratchet_storage::Database;
use serde::Serialize;
use serde_json::json;

use crate::Failure;
use crate::jobs::{Kind, fresh_postgres};
use crate::latencies::{Latencies, shown};

/// How many rows are written in one transaction.
const AT_ONCE: usize = 2_000;

/// Of so many jobs one fails.
const FAILED_OF: usize = 100;

/// How many schedules the jobs are of.
const SCHEDULES_OF_JOBS: usize = 10;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print a JSON array instead of a table
    #[arg(long)]
    json: bool,
    /// How many jobs there are, how many executions, and how many schedules
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// On which databases
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Sqlite, Kind::Postgres])]
    databases: Vec<Kind>,
    /// How often each page is asked for
    #[arg(long, default_value_t = 20)]
    times: usize,
}

/// One page of one list.
#[derive(Debug, Serialize)]
struct Row {
    database: Kind,
    list: &'static str,
    page: &'static str,
    total: u64,
    latency_us: Option<Latencies>,
}

/// A list that is measured.
enum List {
    Jobs(JobFilter, JobSort),
    Executions(ExecutionFilter, ExecutionSort),
    Schedules(ScheduleFilter, ScheduleSort),
}

impl List {
    async fn total(
        &self,
        repositories: &dyn RepositoryFactory,
        page: PageRequest,
    ) -> Result<u64, RepositoryError> {
        Ok(match self {
            Self::Jobs(filter, sort) => repositories.jobs().job_list(filter, *sort, page).await?.total,
            Self::Executions(filter, sort) => {
                let executions = repositories.executions();
                executions.execution_list(filter, *sort, page).await?.total
            }
            Self::Schedules(filter, sort) => {
                let schedules = repositories.schedules();
                schedules.schedule_list(filter, *sort, page).await?.total
            }
        })
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for &kind in &arguments.databases {
        let folder = tempfile::tempdir_in(".")?;
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", folder.path().join("bench.db").display()),
            Kind::Postgres => fresh_postgres().await?,
        };
        let database = Database::connect(&url).await?;
        database.migrate().await?;
        let repositories = database.repositories();
        eprintln!("{kind:?}: writing {} rows of each kind", arguments.rows);
        let task = fill(&*repositories, arguments.rows).await?;
        for (name, list) in lists(&*repositories, task).await? {
            measure(&*repositories, kind, name, &list, arguments.times, &mut rows).await?;
        }
        database.close().await?;
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!("{}", table(&rows));
    }
    Ok(())
}

/// Schedules, and jobs of some of them that have all been run. Returns the task of a tenth of the jobs.
async fn fill(repositories: &dyn RepositoryFactory, count: usize) -> Result<TaskId, Failure> {
    let start = DateTime::<Utc>::from_timestamp(1_700_000_000, 0).ok_or("no such instant")?;
    let tasks: Vec<Task> = ["often", "seldom"]
        .into_iter()
        .map(|name| {
            Task::new(
                TaskDefinition::new(TaskId::new(), name, "1.0.0", "bench"),
                "bench",
                start,
            )
        })
        .collect();
    repositories.tasks().task_upsert_many(&tasks).await?;
    let (often, seldom) = (tasks[0].definition.id, tasks[1].definition.id);
    let schedules: Vec<UnifiedSchedule> = (0..count)
        .map(|number| UnifiedSchedule {
            next_run: Some(start + TimeDelta::seconds((number * 7919 % count) as i64)),
            created_at: start + TimeDelta::seconds(number as i64),
            ..UnifiedSchedule::new(format!("schedule {number:07}"), often, "0 * * * *", start)
        })
        .collect();
    for chunk in schedules.chunks(AT_ONCE) {
        repositories.schedules().schedule_create_many(chunk).await?;
    }
    let instant = |number: usize| start + TimeDelta::milliseconds(number as i64);
    let numbers: Vec<usize> = (0..count).collect();
    for chunk in numbers.chunks(AT_ONCE) {
        let jobs: Vec<UnifiedJob> = chunk
            .iter()
            .map(|&number| UnifiedJob {
                schedule_id: Some(schedules[number % SCHEDULES_OF_JOBS.min(count)].id),
                scheduled_for: Some(instant(number)),
                ..UnifiedJob::new(
                    if number % 10 == 3 { seldom } else { often },
                    json!({"number": number}),
                    instant(number),
                )
            })
            .collect();
        repositories.jobs().job_create_many(&jobs, &[]).await?;
        run_jobs(repositories, instant(chunk[0] + AT_ONCE), chunk.len()).await?;
    }
    Ok(seldom)
}

/// Claims the jobs that wait and ends them.
async fn run_jobs(
    repositories: &dyn RepositoryFactory,
    now: DateTime<Utc>,
    count: usize,
) -> Result<(), Failure> {
    let node = NodeId::new();
    let claimed = repositories
        .jobs()
        .job_claim_many(ClaimRequest {
            node,
            now,
            limit: u32::try_from(count)?,
            aged: 0,
            lease_until: now + TimeDelta::hours(1),
        })
        .await?
        .jobs;
    if claimed.len() != count {
        return Err(format!("{} jobs were claimed, not {count}", claimed.len()).into());
    }
    let outcomes: Vec<AttemptOutcome> = claimed
        .iter()
        .enumerate()
        .map(|(place, claimed)| {
            let result = if place % FAILED_OF == 0 {
                AttemptResult::Failed {
                    error: "no".to_owned(),
                }
            } else {
                AttemptResult::Succeeded {
                    output: json!({"place": place}),
                }
            };
            let ended = now + TimeDelta::microseconds(place as i64);
            AttemptOutcome::new(claimed.job.id, claimed.execution_id, node, result, ended)
        })
        .collect();
    repositories.jobs().job_settle_many(&outcomes).await?;
    Ok(())
}

/// Each sort key of each list, and the filters that people ask for most.
async fn lists(
    repositories: &dyn RepositoryFactory,
    task: TaskId,
) -> Result<Vec<(&'static str, List)>, Failure> {
    let newest = PageRequest::new(0, 1)?;
    let job = repositories
        .jobs()
        .job_list(&JobFilter::default(), JobSort::default(), newest)
        .await?
        .items
        .pop()
        .ok_or("there is no job")?;
    let schedule = job.schedule_id.ok_or("the job is of no schedule")?;
    let jobs = |condition: Option<JobCondition>, sort| List::Jobs(JobFilter::of(condition), sort);
    let executions =
        |condition: Option<ExecutionCondition>, sort| List::Executions(ExecutionFilter::of(condition), sort);
    let schedules = |sort| List::Schedules(ScheduleFilter::default(), sort);
    let (up, down) = (SortOrder::Ascending, SortOrder::Descending);
    let queued = JobSort::QueuedAt(down);
    let started = ExecutionSort::Started(down);
    Ok(vec![
        ("jobs by queuedAt", jobs(None, queued)),
        ("jobs by completedAt", jobs(None, JobSort::CompletedAt(down))),
        ("jobs by scheduledFor", jobs(None, JobSort::ScheduledFor(down))),
        ("jobs by priority", jobs(None, JobSort::Priority(down))),
        (
            "jobs, status=COMPLETED",
            jobs(
                Some(JobCondition::Status(Choice::Is(JobStatus::Completed))),
                queued,
            ),
        ),
        (
            "jobs, status=FAILED",
            jobs(Some(JobCondition::Status(Choice::Is(JobStatus::Failed))), queued),
        ),
        (
            "jobs, status=PROCESSING",
            jobs(
                Some(JobCondition::Status(Choice::Is(JobStatus::Processing))),
                queued,
            ),
        ),
        (
            "jobs, taskId",
            jobs(Some(JobCondition::TaskId(Choice::Is(task))), queued),
        ),
        (
            "jobs, scheduleId",
            jobs(Some(JobCondition::ScheduleId(Choice::Is(schedule))), queued),
        ),
        ("executions by startedAt", executions(None, started)),
        (
            "executions by completedAt",
            executions(None, ExecutionSort::CompletedAt(down)),
        ),
        (
            "executions, jobId",
            executions(Some(ExecutionCondition::JobId(Choice::Is(job.id))), started),
        ),
        (
            "executions, status=FAILED",
            executions(
                Some(ExecutionCondition::Status(Choice::Is(ExecutionStatus::Failed))),
                started,
            ),
        ),
        (
            "executions, taskId",
            executions(Some(ExecutionCondition::TaskId(Choice::Is(task))), started),
        ),
        ("schedules by name", schedules(ScheduleSort::Name(up))),
        ("schedules by nextRun", schedules(ScheduleSort::NextRun(up))),
        ("schedules by createdAt", schedules(ScheduleSort::CreatedAt(up))),
    ])
}

async fn measure(
    repositories: &dyn RepositoryFactory,
    database: Kind,
    name: &'static str,
    list: &List,
    times: usize,
    rows: &mut Vec<Row>,
) -> Result<(), Failure> {
    let limit = PageRequest::default().limit();
    let total = list.total(repositories, PageRequest::default()).await?;
    let last = total.saturating_sub(limit);
    for (page, offset) in [("first", 0), ("middle", last / 2), ("last", last)] {
        let request = PageRequest::new(offset, limit)?;
        let mut latencies = Vec::with_capacity(times);
        for _ in 0..times {
            let began = Instant::now();
            list.total(repositories, request).await?;
            latencies.push(i64::try_from(began.elapsed().as_micros())?);
        }
        rows.push(Row {
            database,
            list: name,
            page,
            total,
            latency_us: Latencies::of(latencies),
        });
    }
    Ok(())
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table
        .load_style(ASCII_MARKDOWN)
        .set_header(["database", "list", "rows", "page", "p50", "p99", "max"]);
    for row in rows {
        let cell = |of: fn(&Latencies) -> i64| {
            row.latency_us
                .as_ref()
                .map_or_else(|| "–".to_owned(), |found| shown(of(found)))
        };
        table.add_row([
            format!("{:?}", row.database).to_lowercase(),
            row.list.to_owned(),
            row.total.to_string(),
            row.page.to_owned(),
            cell(|found| found.p50),
            cell(|found| found.p99),
            cell(|found| found.max),
        ]);
    }
    table
}
