//! New jobs, and what they are after.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ratchet_interfaces::{
    DependencyCondition, JobCreation, JobDependencies, JobId, JobStatus, RepositoryError, ScheduleId,
    UnifiedJob,
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, Statement};
use uuid::Uuid;

use super::dependents;
use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};
use crate::failure::{During, Violation, violation};
use crate::row::job::{COLUMNS, Column, Entity, push};
use crate::row::{micros, schedule, task, text};
use crate::store::Store;
use crate::writer::{Transaction, WriteError};

const KEY: &[BatchColumn] = &[("unique_key", Kind::Text)];

const HELD_KEYS: &str =
    "SELECT j.unique_key, j.id FROM {batch} AS b JOIN jobs AS j ON j.unique_key = b.unique_key
    WHERE j.unique_key IS NOT NULL AND j.status NOT IN ('completed', 'failed', 'cancelled')";

/// How often a call is done again whose unique key somebody else took at the same time.
const ATTEMPTS: u32 = 4;

struct Call {
    jobs: Vec<UnifiedJob>,
    after: After,
}

/// By the job, the jobs that it is after.
type After = HashMap<JobId, Vec<JobId>>;

pub(super) async fn create(
    store: &Store,
    jobs: &[UnifiedJob],
    dependencies: &[JobDependencies],
) -> Result<Vec<JobCreation>, RepositoryError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let call = Arc::new(Call::of(jobs, dependencies));
    let mut attempts = 1;
    let error = loop {
        let outcome = store
            .writer
            .write(Arc::clone(&call), |call, transaction| {
                Box::pin(insert(call, transaction))
            })
            .await;
        let error = match outcome {
            Ok(created) => return Ok(created),
            Err(error) => error,
        };
        let is_taken =
            matches!(&error, WriteError::Database(cause) if violation(cause) == Some(Violation::Unique));
        attempts += 1;
        if !(is_taken && attempts <= ATTEMPTS && jobs.iter().any(|job| job.unique_key.is_some())) {
            break error;
        }
    };
    let broken = match &error {
        WriteError::Database(cause) => violation(cause),
        _ => None,
    };
    let blame = match broken {
        Some(Violation::Unique) => duplicate(store, jobs).await?,
        Some(Violation::Reference) => without_parent(store, jobs, dependencies).await?,
        None => None,
    };
    Err(blame.unwrap_or_else(|| error.during("storing jobs")))
}

impl Call {
    fn of(jobs: &[UnifiedJob], dependencies: &[JobDependencies]) -> Self {
        let mut after = After::new();
        for JobDependencies {
            job_id,
            after: others,
        } in dependencies
        {
            if !others.is_empty() {
                after.entry(*job_id).or_default().extend(others);
            }
        }
        let mut jobs = jobs.to_vec();
        for job in &mut jobs {
            if after.contains_key(&job.id) {
                job.status = JobStatus::Blocked;
                job.after.get_or_insert(DependencyCondition::AllSucceeded);
            }
        }
        Self { jobs, after }
    }
}

/// What the jobs are after that are stored. Whoever is after one that was left out is after the job that has its key.
///
/// # Errors
/// When some are after each other in a circle. Jobs on disk are after none of the call.
fn after_whom(
    call: &Call,
    fresh: &[&UnifiedJob],
    holders: &HashMap<JobId, JobId>,
) -> Result<After, RepositoryError> {
    let after: After = fresh
        .iter()
        .filter_map(|job| {
            let others = call.after.get(&job.id)?.iter();
            let others = others.map(|other| holders.get(other).copied().unwrap_or(*other));
            Some((job.id, others.collect::<BTreeSet<_>>().into_iter().collect()))
        })
        .collect();
    // Whoever is after nobody that is left is taken out, until nobody can be.
    let mut left: HashMap<JobId, usize> = HashMap::with_capacity(after.len());
    let mut followers: HashMap<JobId, Vec<JobId>> = HashMap::new();
    for (job, others) in &after {
        let among = others.iter().filter(|other| after.contains_key(other));
        for other in among.clone() {
            followers.entry(*other).or_default().push(*job);
        }
        left.insert(*job, among.count());
    }
    let mut free: Vec<JobId> = left
        .iter()
        .filter(|(_, others)| **others == 0)
        .map(|(job, _)| *job)
        .collect();
    while let Some(job) = free.pop() {
        left.remove(&job);
        for follower in followers.get(&job).into_iter().flatten() {
            if let Some(others) = left.get_mut(follower) {
                *others -= 1;
                if *others == 0 {
                    free.push(*follower);
                }
            }
        }
    }
    match left.keys().min() {
        Some(job) => Err(RepositoryError::DependencyCycle { id: job.to_string() }),
        None => Ok(after),
    }
}

async fn insert(call: &Call, transaction: &Transaction<'_>) -> Result<Vec<JobCreation>, WriteError> {
    let backend = transaction.get_database_backend();
    let mut held = held_keys(call, transaction).await?;
    let mut creations = Vec::with_capacity(call.jobs.len());
    let mut fresh: Vec<&UnifiedJob> = Vec::with_capacity(call.jobs.len());
    let mut holders: HashMap<JobId, JobId> = HashMap::new();
    for job in &call.jobs {
        if let Some(key) = job.unique_key.as_deref().map(text) {
            let holder = *held.entry(key).or_insert(job.id);
            if holder != job.id {
                creations.push(JobCreation::Duplicate(holder));
                holders.insert(job.id, holder);
                continue;
            }
        }
        creations.push(JobCreation::Created(job.status));
        fresh.push(job);
    }
    let after = after_whom(call, &fresh, &holders)?;
    let sql = insert_sql();
    for batch in &Batch::all(backend, COLUMNS, fresh.iter().copied(), push) {
        transaction.execute_raw(batch.statement(&sql, [])).await?;
    }
    let dependent: BTreeMap<Uuid, i64> = fresh
        .iter()
        .filter(|job| after.contains_key(&job.id))
        .map(|job| (job.id.as_uuid(), micros(job.queued_at)))
        .collect();
    if !dependent.is_empty() {
        let decided = depend(&after, &dependent, transaction).await?;
        for (creation, job) in creations.iter_mut().zip(&call.jobs) {
            if let (JobCreation::Created(status), Some(decided)) = (creation, decided.get(&job.id)) {
                *status = *decided;
            }
        }
    }
    Ok(creations)
}

/// Writes what the new jobs are after, and decides about those that need not wait: says which of them are what.
async fn depend(
    after: &After,
    dependent: &BTreeMap<Uuid, i64>,
    transaction: &Transaction<'_>,
) -> Result<HashMap<JobId, JobStatus>, WriteError> {
    let pairs = after
        .iter()
        .flat_map(|(job, others)| others.iter().map(move |other| (other.as_uuid(), job.as_uuid())));
    dependents::have_wait(pairs.collect(), transaction).await?;
    let (mut decided, cancelled) = dependents::decide_about(dependent, transaction).await?;
    decided.append(dependents::decide(cancelled, transaction).await?);
    // Only jobs of the call are after others of it.
    let decided = decided.events.iter().map(|job| (job.job_id, job.status));
    Ok(decided.collect())
}

fn insert_sql() -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    // What stands before a job: the limit of its key, or that of its task.
    format!(
        "INSERT INTO jobs ({names}, has_dependents, gate)
         SELECT {names}, FALSE,
             COALESCE('key ' || b.concurrency_key, (SELECT t.gate FROM tasks AS t WHERE t.id = b.task_id))
         FROM {{batch}} AS b"
    )
}

/// Which of the unique keys unfinished jobs have.
async fn held_keys(call: &Call, transaction: &Transaction<'_>) -> Result<HashMap<String, JobId>, WriteError> {
    let keys = call.jobs.iter().filter_map(|job| job.unique_key.as_deref());
    let mut held = HashMap::new();
    for batch in &Batch::all(transaction.get_database_backend(), KEY, keys, |batch, key| {
        batch.push([Cell::Text(key)]);
    }) {
        for row in transaction.query_all_raw(batch.statement(HELD_KEYS, [])).await? {
            held.insert(
                row.try_get_by_index(0)?,
                JobId::from_uuid(row.try_get_by_index(1)?),
            );
        }
    }
    Ok(held)
}

/// Which of the refused jobs there is already. `None` if it is gone by now.
async fn duplicate(store: &Store, jobs: &[UnifiedJob]) -> Result<Option<RepositoryError>, RepositoryError> {
    const DURING: &str = "looking for a job that exists already";
    for (place, job) in jobs.iter().enumerate() {
        let before = &jobs[..place];
        let same_id = Entity::find_by_id(job.id.as_uuid())
            .one(&store.reader)
            .await
            .during(DURING)?;
        if same_id.is_some() || before.iter().any(|other| other.id == job.id) {
            return Ok(Some(already_exists("id", job.id.to_string())));
        }
        let (Some(schedule), Some(tick)) = (job.schedule_id, job.scheduled_for) else {
            continue;
        };
        let same_tick = Entity::find()
            .filter(Column::ScheduleId.eq(schedule.as_uuid()))
            .filter(Column::ScheduledFor.eq(micros(tick)))
            .filter(Column::Request.eq(job.request))
            .one(&store.reader)
            .await
            .during(DURING)?;
        let same_tick_in_call = before.iter().any(|other| {
            (other.schedule_id, other.scheduled_for, other.request)
                == (job.schedule_id, job.scheduled_for, job.request)
        });
        if same_tick.is_some() || same_tick_in_call {
            return Ok(Some(already_exists("scheduled_for", tick.to_rfc3339())));
        }
    }
    Ok(None)
}

/// The first of the refused jobs whose task or schedule, or a job that it is after, does not exist.
async fn without_parent(
    store: &Store,
    jobs: &[UnifiedJob],
    dependencies: &[JobDependencies],
) -> Result<Option<RepositoryError>, RepositoryError> {
    const DURING: &str = "looking for the task and the schedule of a job";
    for job in jobs {
        let task = task::Entity::find_by_id(job.task_id.as_uuid())
            .one(&store.reader)
            .await
            .during(DURING)?;
        let schedule_is_there = match job.schedule_id.map(ScheduleId::as_uuid) {
            None => true,
            Some(id) => schedule::Entity::find_by_id(id)
                .one(&store.reader)
                .await
                .during(DURING)?
                .is_some(),
        };
        if task.is_none() || !schedule_is_there {
            return Ok(Some(broken_reference(job.id)));
        }
    }
    for JobDependencies { job_id, after } in dependencies {
        for other in after {
            let is_new = jobs.iter().any(|job| job.id == *other);
            let found = Entity::find_by_id(other.as_uuid())
                .one(&store.reader)
                .await
                .during(DURING)?;
            if !is_new && found.is_none() {
                return Ok(Some(broken_reference(*job_id)));
            }
        }
    }
    Ok(None)
}

/// The jobs that a job is after.
pub(super) async fn dependencies(store: &Store, id: JobId) -> Result<Vec<JobId>, RepositoryError> {
    const DURING: &str = "looking for what a job is after";
    let backend: DbBackend = store.reader.get_database_backend();
    let statement = Statement::from_sql_and_values(
        backend,
        "SELECT after_id FROM job_dependencies WHERE job_id = $1 ORDER BY after_id",
        [id.as_uuid().into()],
    );
    let rows = store.reader.query_all_raw(statement).await.during(DURING)?;
    rows.iter()
        .map(|row| Ok(JobId::from_uuid(row.try_get_by_index(0).during(DURING)?)))
        .collect()
}

fn broken_reference(job: JobId) -> RepositoryError {
    RepositoryError::BrokenReference {
        what: "job",
        id: job.to_string(),
    }
}

fn already_exists(field: &'static str, value: String) -> RepositoryError {
    RepositoryError::AlreadyExists {
        what: "job",
        field,
        value,
    }
}
