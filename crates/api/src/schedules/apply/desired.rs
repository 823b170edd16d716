use std::collections::HashMap;

use ratchet_interfaces::{
    Choice, Following, OutputDestination, OutputTarget, PageRequest, ScheduleId, ScheduleSelection, Secret,
    TaskCondition, TaskFilter, TaskId, TaskSort, TextMatch, UnifiedSchedule, WrittenFollowing,
};
use ratchet_recurrence::Specification;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::shown::Names;
use crate::body::whole_or_null;
use crate::destination::{Destination, checked};
use crate::error::ApiError;
use crate::named::{JobPriorityName, Name};
use crate::run::{check_run, timeout};
use crate::schedules::instants::zone;
use crate::schedules::policies::PolicyChanges;
use crate::state::Services;

/// A schedule as it is to be, whatever it is now. What is left out is at its default.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DesiredSchedule {
    /// Its unique name, by which it is found again.
    #[schema(example = "nightly")]
    pub(super) name: String,
    /// The task that it runs: a name, which means the latest version, or `name@version`.
    #[schema(example = "wait@1.0.0")]
    task: String,
    /// When it fires: as for a new schedule. `after` may name another schedule of the same request.
    #[schema(example = "30 2 * * *")]
    cron_expression: String,
    /// What it is for.
    description: Option<String>,
    /// The IANA time zone in which that is read.
    #[schema(default = "UTC", example = "Europe/Berlin")]
    timezone: Option<String>,
    /// Whether it fires.
    #[schema(default = true)]
    enabled: Option<bool>,
    /// The input of its jobs.
    #[schema(value_type = Value, required = false)]
    input: Option<Value>,
    /// What becomes of ticks that are missed or overlap; what is left out of it is at its default.
    policies: Option<PolicyChanges>,
    /// The priority of its jobs.
    priority: Option<JobPriorityName>,
    /// How often a failed job of it is tried again; null is what its task says.
    #[serde(default, deserialize_with = "whole_or_null")]
    #[schema(maximum = 100)]
    max_retries: Option<u32>,
    /// How long a job of it may run, in seconds; null is what its task or the server says.
    #[serde(default, deserialize_with = "whole_or_null")]
    #[schema(minimum = 1, maximum = 604_800)]
    timeout_seconds: Option<u32>,
    /// Where the results of its jobs go. A masked secret stands for the one that is stored for the same URL.
    #[schema(min_items = 1, max_items = 10)]
    output_destinations: Option<Vec<Destination>>,
    /// Anything that its owner keeps with it.
    #[schema(value_type = Option<Value>)]
    metadata: Option<Value>,
}

/// The set that is applied.
pub(super) struct Set {
    pub(super) name: String,
    /// Whether schedules that exist come to belong to it.
    pub(super) adopts: bool,
}

impl Set {
    /// The set of a schedule after the application.
    fn mark_of(&self, before: Option<&UnifiedSchedule>) -> Option<String> {
        match before {
            Some(before) if !self.adopts => before.managed_by.clone(),
            _ => Some(self.name.clone()),
        }
    }
}

/// What is stored, as far as it has to do with the schedules that are desired.
pub(super) struct Stored {
    /// Those with a desired name.
    pub(super) named: HashMap<String, UnifiedSchedule>,
    /// The ids of all desired names: those that exist keep theirs.
    pub(super) ids: HashMap<String, ScheduleId>,
}

impl Stored {
    pub(super) async fn of(names: Vec<String>, services: &Services) -> Result<Self, ApiError> {
        let schedules = services.repositories.schedules();
        let selection = ScheduleSelection::Named(names.clone());
        let named: HashMap<String, UnifiedSchedule> = schedules
            .schedule_list_selected(&selection)
            .await?
            .into_iter()
            .map(|schedule| (schedule.name.clone(), schedule))
            .collect();
        let ids = names
            .into_iter()
            .map(|name| {
                let id = named.get(&name).map_or_else(ScheduleId::new, |stored| stored.id);
                (name, id)
            })
            .collect();
        Ok(Self { named, ids })
    }
}

impl DesiredSchedule {
    /// The row that it is to become, as far as it can be checked before the scheduler does.
    pub(super) async fn resolved(
        self,
        set: &Set,
        stored: &Stored,
        names: &mut Names,
        services: &Services,
    ) -> Result<UnifiedSchedule, ApiError> {
        let Self {
            name,
            task,
            cron_expression,
            description,
            timezone,
            enabled,
            input,
            policies,
            priority,
            max_retries,
            timeout_seconds,
            output_destinations,
            metadata,
        } = self;
        let task_id = task_of(&task, names, services).await?;
        let before = stored.named.get(&name);
        let defaults = UnifiedSchedule::new(&*name, task_id, &*cron_expression, services.clock.now());
        let timezone = timezone.unwrap_or(defaults.timezone.clone());
        let input = input.unwrap_or_else(|| Value::Object(Map::new()));
        if before.is_none_or(|before| (before.task_id, &before.input) != (task_id, &input)) {
            check_run(services, task_id, &input).await?;
        }
        let output_destinations = match output_destinations {
            None => Vec::new(),
            Some(given) => {
                let stored = before.map_or(&[][..], |before| &before.output_destinations);
                checked(with_secrets(given, stored), &*services.output)?
            }
        };
        Ok(UnifiedSchedule {
            id: stored.ids.get(&name).copied().unwrap_or(defaults.id),
            task_id,
            specification: canonical(&cron_expression, &timezone, stored, names, services).await?,
            name,
            description,
            timezone,
            enabled: enabled.unwrap_or(defaults.enabled),
            input,
            policies: policies.unwrap_or_default().applied_to(defaults.policies)?,
            priority: priority.map_or(defaults.priority, |Name(priority)| priority),
            max_retries,
            timeout_seconds: timeout_seconds.map(timeout).transpose()?,
            output_destinations,
            metadata,
            managed_by: set.mark_of(before),
            ..before.cloned().unwrap_or(defaults)
        })
    }
}

/// The version of a task that somebody means.
async fn task_of(written: &str, names: &mut Names, services: &Services) -> Result<TaskId, ApiError> {
    if let Some(id) = names.meant.get(written) {
        return Ok(*id);
    }
    let tasks = services.repositories.tasks();
    let found = match written.split_once('@') {
        None => tasks.task_find_latest(written).await?,
        Some((name, version)) => {
            let is = |text: &str| TextMatch::Choice(Choice::Is(text.to_owned()));
            let filter = TaskFilter::of([TaskCondition::Name(is(name)), TaskCondition::Version(is(version))]);
            let page = PageRequest::new(0, 1)?;
            let found = tasks.task_list(&filter, TaskSort::default(), page).await?;
            found.items.into_iter().next()
        }
    };
    let Some(task) = found else {
        let rule = format!("there is no task \"{written}\": a task is named as in import, or import@1.2.0");
        return Err(ApiError::invalid("task", rule));
    };
    names.keep_task(&task);
    names.meant.insert(written.to_owned(), task.definition.id);
    Ok(task.definition.id)
}

/// The expression as it would be stored.
async fn canonical(
    written: &str,
    timezone: &str,
    stored: &Stored,
    names: &mut Names,
    services: &Services,
) -> Result<String, ApiError> {
    let refused =
        |rule: String| ApiError::invalid("cronExpression", format!("\"{written}\" is not allowed: {rule}"));
    let Some(following) = WrittenFollowing::read(written) else {
        let zone = zone(timezone)?;
        let specification = Specification::read(written, zone).map_err(|error| refused(error.to_string()))?;
        return Ok(specification.to_string());
    };
    let WrittenFollowing { leader, condition } = following.map_err(|error| refused(error.to_string()))?;
    let leader_id = match stored.ids.get(leader) {
        Some(id) => {
            names.schedules.insert(*id, leader.to_owned());
            *id
        }
        None => {
            let schedules = services.repositories.schedules();
            let found = match leader.parse::<ScheduleId>() {
                Ok(id) => schedules.schedule_find(id).await?,
                Err(_) => None,
            };
            let found = match found {
                Some(found) => Some(found),
                None => schedules.schedule_find_by_name(leader).await?,
            };
            let found =
                found.ok_or_else(|| refused(format!("no schedule has the name or id \"{leader}\"")))?;
            names.schedules.insert(found.id, found.name);
            found.id
        }
    };
    Ok(Following { leader_id, condition }.to_string())
}

/// Puts stored secrets where there are masks: those of a destination that sends to the same URL, the one in the same place
/// before the others. A mask for which there is none stays, and is refused as one.
fn with_secrets(given: Vec<Destination>, stored: &[OutputDestination]) -> Vec<Destination> {
    let filled = |(place, Destination(destination)): (usize, Destination)| {
        let OutputTarget::Webhook { webhook } = &destination.target else {
            return Destination(destination);
        };
        if !webhook.secrets().contains(&Secret::MASK) {
            return Destination(destination);
        }
        let same_place = stored.get(place).into_iter();
        let unmasked = same_place.chain(stored).find_map(|stored| match &stored.target {
            OutputTarget::Webhook { webhook: stored } => webhook.unmasked_by(stored),
            OutputTarget::Stdio { .. } | OutputTarget::Filesystem { .. } => None,
        });
        match unmasked {
            None => Destination(destination),
            Some(webhook) => Destination(OutputDestination {
                target: OutputTarget::Webhook { webhook },
                ..destination
            }),
        }
    };
    given.into_iter().enumerate().map(filled).collect()
}
