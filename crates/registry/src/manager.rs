use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use ratchet_interfaces::{
    Clock, LastSync, Page, PageRequest, RegistryError, RegistryManager, RepositoryError, Signal, SyncReport,
    Task, TaskFilter, TaskId, TaskListing, TaskRegistry, TaskRepository, TaskSort, TaskValidator,
    ValidationIssue, with_causes,
};
use tokio::sync::Mutex;
use tracing::{error, info};

use crate::plan::{Decision, Plan, Stored};

/// Keeps the stored tasks what several registries say they are.
///
/// A task that its registry has no more is marked as removed where jobs or schedules refer to it, and deleted
/// otherwise. Tasks of registries that this manager does not have are left alone.
pub struct TaskRegistryManager {
    tasks: Arc<dyn TaskRepository>,
    validator: Arc<dyn TaskValidator>,
    clock: Arc<dyn Clock>,
    registries: Vec<Arc<dyn TaskRegistry>>,
    jobs_available: Signal,
    /// Held by the one synchronization that runs: what it has read must be what it writes over.
    running: Mutex<()>,
    last: RwLock<Option<Arc<LastSync>>>,
}

impl TaskRegistryManager {
    /// A manager of no registry.
    #[must_use]
    pub fn new(
        tasks: Arc<dyn TaskRepository>,
        validator: Arc<dyn TaskValidator>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            tasks,
            validator,
            clock,
            registries: Vec::new(),
            jobs_available: Signal::default(),
            running: Mutex::new(()),
            last: RwLock::new(None),
        }
    }

    /// Has this signal raised when stored tasks have changed: a limit that jobs wait for may be another.
    #[must_use]
    pub fn with_jobs_available(mut self, jobs_available: Signal) -> Self {
        self.jobs_available = jobs_available;
        self
    }

    /// Adds a registry. Where two offer the same task, the one that was added first has it.
    #[must_use]
    pub fn with_registry(mut self, registry: Arc<dyn TaskRegistry>) -> Self {
        self.registries.push(registry);
        self
    }

    /// What is stored. A row that cannot be read is an issue, and keeps no other from being compared.
    async fn stored(&self, issues: &mut Vec<ValidationIssue>) -> Result<Stored, RepositoryError> {
        let mut stored = Stored::default();
        let (filter, sort) = (TaskFilter::default(), TaskSort::default());
        let mut offset = 0;
        loop {
            let request = PageRequest::new(offset, PageRequest::MAX_LIMIT)?;
            let list = |request| self.tasks.task_list(&filter, sort, request);
            let (page, damaged) = Page::readable(request, list).await?;
            let rows = (page.items.len() + damaged.len()) as u64;
            stored.tasks.extend(page.items);
            for row in damaged {
                if let RepositoryError::CorruptRow {
                    id, column, source, ..
                } = row
                {
                    stored.unreadable.extend(id.parse::<TaskId>());
                    issues.push(ValidationIssue {
                        task: id,
                        field: column.to_owned(),
                        message: format!("the stored value cannot be read: {}", with_causes(&*source)),
                    });
                }
            }
            if rows < PageRequest::MAX_LIMIT {
                return Ok(stored);
            }
            offset += rows;
        }
    }

    /// Takes away what the registries that could be read have no more. What cannot be offered now (its folder is broken,
    /// it is not valid) is not gone.
    async fn take_away(
        &self,
        listings: &[(&str, TaskListing)],
        stored: &Stored,
    ) -> Result<u64, RepositoryError> {
        let offered: HashSet<TaskId> = listings
            .iter()
            .flat_map(|(_, listing)| listing.tasks.iter().map(|task| task.id))
            .collect();
        let is_gone = |task: &&Task| {
            let of_registry = listings.iter().find(|(name, _)| *name == task.registry);
            task.removed_at.is_none()
                && !offered.contains(&task.definition.id)
                && of_registry.is_some_and(|(_, listing)| {
                    let folder = task.definition.folder();
                    folder.is_none_or(|folder| !listing.is_unreadable(folder))
                })
        };
        let gone: Vec<TaskId> = stored
            .tasks
            .iter()
            .filter(is_gone)
            .map(|task| task.definition.id)
            .collect();
        if gone.is_empty() {
            return Ok(0);
        }
        self.tasks.task_remove_many(&gone, self.clock.now()).await
    }

    /// Writes what one registry offers, where it differs from what is stored.
    async fn store_listing(
        &self,
        registry: &str,
        listing: TaskListing,
        plan: &mut Plan,
        (report, in_sync): (&mut SyncReport, &mut HashSet<TaskId>),
    ) -> Result<(), RepositoryError> {
        let now = self.clock.now();
        let mut changed = Vec::new();
        report.issues.extend(listing.issues);
        for offered in listing.tasks {
            let issues = self.validator.validate_task(&offered);
            if !issues.is_empty() {
                report.issues.extend(issues);
                continue;
            }
            let id = offered.id;
            match plan.decide(registry, offered, now) {
                Decision::Add(task) => changed.push((task, true)),
                Decision::Update(task) => changed.push((task, false)),
                Decision::Keep => {
                    report.unchanged += 1;
                    in_sync.insert(id);
                }
                Decision::Succeed { task, issue } => match self.make_way(&task).await? {
                    true => changed.push((task, true)),
                    false => report.issues.push(issue),
                },
                Decision::Refuse(issue) => report.issues.push(issue),
            }
        }
        self.store(changed, report, in_sync).await
    }

    fn remember(&self, report: &SyncReport, in_sync: HashSet<TaskId>) {
        let last = LastSync {
            at: self.clock.now(),
            report: report.clone(),
            in_sync,
        };
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(last));
    }

    /// Deletes the earlier version that has a task's id, unless something refers to it.
    async fn make_way(&self, task: &Task) -> Result<bool, RepositoryError> {
        match self.tasks.task_delete(task.definition.id).await {
            Ok(_) => Ok(true),
            Err(RepositoryError::BrokenReference { .. }) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Stores all changes at once; should the database refuse that, one by one, so that a task that it will not have
    /// does not keep out the others.
    async fn store(
        &self,
        changed: Vec<(Task, bool)>,
        report: &mut SyncReport,
        in_sync: &mut HashSet<TaskId>,
    ) -> Result<(), RepositoryError> {
        let (tasks, are_new): (Vec<Task>, Vec<bool>) = changed.into_iter().unzip();
        if tasks.is_empty() {
            return Ok(());
        }
        match self.tasks.task_upsert_many(&tasks).await {
            Ok(()) => {
                for is_new in are_new {
                    count(report, is_new);
                }
                in_sync.extend(tasks.iter().map(|task| task.definition.id));
                return Ok(());
            }
            Err(failure) if failure.is_transient() => return Err(failure),
            Err(_) => {}
        }
        for (task, is_new) in tasks.iter().zip(are_new) {
            match self.tasks.task_upsert_many(std::slice::from_ref(task)).await {
                Ok(()) => {
                    count(report, is_new);
                    in_sync.insert(task.definition.id);
                }
                Err(failure) if failure.is_transient() => return Err(failure),
                Err(failure) => report.issues.push(ValidationIssue {
                    task: task.definition.name.clone(),
                    field: "definition".to_owned(),
                    message: with_causes(&failure),
                }),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl RegistryManager for TaskRegistryManager {
    /// Goes through every registry. One that cannot be read does not keep out the others: they are written, and then
    /// the first error is returned.
    async fn sync(&self) -> Result<SyncReport, RegistryError> {
        let mut report = SyncReport::default();
        let Some(first) = self.registries.first() else {
            return Ok(report);
        };
        let store_error = |registry: &str, source| RegistryError::Store {
            registry: registry.to_owned(),
            source,
        };
        let _running = self.running.lock().await;
        let mut listings = Vec::new();
        let mut failed: Option<RegistryError> = None;
        for registry in &self.registries {
            match registry.list_tasks().await {
                Ok(listing) => listings.push((registry.name(), listing)),
                Err(failure) if failed.is_none() => failed = Some(failure),
                Err(failure) => error!(
                    registry = registry.name(),
                    error = with_causes(&failure),
                    "another registry could not be read"
                ),
            }
        }
        let of_first = |source| store_error(first.name(), source);
        let mut stored = self.stored(&mut report.issues).await.map_err(of_first)?;
        report.removed = self.take_away(&listings, &stored).await.map_err(of_first)?;
        if report.removed > 0 {
            report.issues.clear();
            stored = self.stored(&mut report.issues).await.map_err(of_first)?;
        }
        let mut plan = Plan::new(stored);
        let mut in_sync = HashSet::new();
        for (registry, listing) in listings {
            self.store_listing(registry, listing, &mut plan, (&mut report, &mut in_sync))
                .await
                .map_err(|source| store_error(registry, source))?;
        }
        if report.updated > 0 {
            self.jobs_available.raise();
        }
        info!(
            added = report.added,
            updated = report.updated,
            removed = report.removed,
            unchanged = report.unchanged,
            issues = report.issues.len(),
            "the stored tasks are synchronized with their registries"
        );
        self.remember(&report, in_sync);
        failed.map_or(Ok(report), Err)
    }

    fn last_sync(&self) -> Option<Arc<LastSync>> {
        // Nothing panics while it holds the lock, so what is there is whole.
        self.last.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn count(report: &mut SyncReport, is_new: bool) {
    if is_new {
        report.added += 1;
    } else {
        report.updated += 1;
    }
}
