//! Schedules as code: what is desired is compared with what is stored, and all differences are made up at once.

mod desired;
mod plan;
mod shown;

use std::collections::{HashMap, HashSet};

use axum::http::StatusCode;
use ratchet_interfaces::{ScheduleId, ScheduleSelection, SchedulerError, UnifiedSchedule};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::JsonBody;
use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::schedules::TAG;
use crate::state::Services;

use desired::{DesiredSchedule, Set, Stored};
use plan::{Plan, PlannedAction, PlannedChange, plan};
use shown::{Names, exported};

/// The set of schedules that is meant where none is named.
const DEFAULT_SET: &str = "apply";

/// The longest name of a set, in characters.
const LONGEST_SET: usize = 100;

/// How many schedules are read at once.
const PAGE: u32 = 1_000;

/// A set of schedules as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApplyRequest {
    /// The schedules as they are to be.
    #[schema(value_type = Vec<DesiredSchedule>)]
    schedules: Vec<Value>,
    /// Whether schedules of the set that are not among these are deleted. Those that were made by hand, or belong to another
    /// set, stay.
    #[schema(default = false)]
    prune: Option<bool>,
    /// Whether the changes are only told.
    #[schema(default = false)]
    dry_run: Option<bool>,
    /// The name of the set, to which what is created belongs from then on.
    #[schema(default = "apply")]
    managed_by: Option<String>,
    /// Whether schedules that exist come to belong to the set too, and may be deleted when they are not in it any more. Without
    /// it, those that were made by hand are changed and not owned, and those of other sets are not changed.
    #[schema(default = false)]
    adopt: Option<bool>,
    /// The number of the plan that was looked at: where there would be another by now, nothing is done.
    plan: Option<Uuid>,
}

/// What is different, and whether that was made up for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Applied {
    /// Whether what is stored is now what is desired; false for what was only planned.
    #[schema(example = true)]
    applied: bool,
    /// The number of the plan: it is another when anything of the changes is.
    #[schema(example = "5f0c1c1e-6b1d-5d0f-9a56-3c1c8f6f7b10")]
    plan: Uuid,
    /// How many schedules are new.
    #[schema(example = 0)]
    create: u64,
    /// How many are changed.
    #[schema(example = 1)]
    update: u64,
    /// How many are deleted.
    #[schema(example = 0)]
    delete: u64,
    /// How many are as they are to be.
    #[schema(example = 0)]
    unchanged: u64,
    /// All but those, by name.
    changes: Vec<PlannedChange>,
}

/// Makes a set of schedules what it is to be, as a whole or not at all.
///
/// A schedule is found by its name. One that is as desired is not touched: what was applied once is not written again. A pause
/// stays. Between the plan and the changes nobody else changes these schedules, or nothing is done.
#[utoipa::path(
    post,
    path = "/schedules/apply",
    tag = TAG,
    operation_id = "schedules_apply",
    request_body = ApplyRequest,
    responses(
        (status = 200, body = One<Applied>),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or values that are not allowed: all of them are named"),
        (status = 409, body = ErrorEnvelope, description = "Somebody else changed one of them meanwhile, others follow one that is to be deleted, or what is stored of one cannot be read"),
        (status = 412, body = ErrorEnvelope, description = "The plan would be another than the one that was looked at"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is missing or of another type"),
    )
)]
pub(super) async fn apply(
    services: Services,
    JsonBody(request): JsonBody<ApplyRequest>,
) -> Result<One<Applied>, ApiError> {
    let ApplyRequest {
        schedules,
        prune,
        dry_run,
        managed_by,
        adopt,
        plan: looked_at,
    } = request;
    let set = managed_by.unwrap_or_else(|| DEFAULT_SET.to_owned());
    if set.trim().is_empty() || set.chars().count() > LONGEST_SET {
        let rule = format!("\"{set}\" is not allowed: it is a name of 1 to {LONGEST_SET} characters");
        return Err(ApiError::invalid("managedBy", rule));
    }
    let set = Set {
        name: set,
        adopts: adopt.unwrap_or(false),
    };
    let plan = planned(schedules, &set, prune.unwrap_or(false), &services).await?;
    let number = plan.number().map_err(|_| ApiError::internal())?;
    if looked_at.is_some_and(|looked_at| looked_at != number) {
        return Err(ApiError::stale(format!(
            "plan is {}, but the plan is {number} by now: look at it again",
            looked_at.unwrap_or_default()
        )));
    }
    let applied = !dry_run.unwrap_or(false);
    let answer = Applied {
        applied,
        plan: number,
        create: plan.count(PlannedAction::Create),
        update: plan.count(PlannedAction::Update),
        delete: plan.count(PlannedAction::Delete),
        unchanged: plan.unchanged,
        changes: plan.told,
    };
    let done = match plan.changes {
        changes if changes.is_empty() => Ok(()),
        changes if applied => services.scheduler.change_schedules(changes).await.map(drop),
        changes => services.scheduler.check_schedule_changes(changes).await,
    };
    done.map_err(refusal)?;
    Ok(One { data: answer })
}

/// Refuses all that is wrong with what is desired, at once.
async fn planned(given: Vec<Value>, set: &Set, prune: bool, services: &Services) -> Result<Plan, ApiError> {
    let mut mistakes = Vec::new();
    let mut desired: Vec<(String, DesiredSchedule)> = Vec::new();
    let mut seen = HashSet::new();
    for (place, value) in given.into_iter().enumerate() {
        let name = value["name"].as_str().map(|name| format!(" \"{name}\""));
        let label = format!("schedules[{place}]{}", name.unwrap_or_default());
        match serde_path_to_error::deserialize::<_, DesiredSchedule>(value) {
            Ok(schedule) if seen.insert(schedule.name.clone()) => desired.push((label, schedule)),
            Ok(_) => mistakes.push(format!("{label}: the name is there twice")),
            Err(error) => {
                let path = error.path().to_string();
                let rule = error.into_inner();
                mistakes.push(match path.as_str() {
                    "." => format!("{label}: {rule}"),
                    path => format!("{label}: {path}: {rule}"),
                });
            }
        }
    }
    let stored = Stored::of(seen.iter().cloned().collect(), services).await?;
    let mut names = Names::default();
    let mut resolved = Vec::with_capacity(desired.len());
    for (label, schedule) in desired {
        match schedule.resolved(set, &stored, &mut names, services).await {
            Ok(schedule) => resolved.push(schedule),
            Err(error) if error.status() == StatusCode::BAD_REQUEST => {
                mistakes.push(format!("{label}: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    if !mistakes.is_empty() {
        let told = mistakes.join("; ");
        let (field, rule) = told.split_once(": ").unwrap_or(("schedules", &told));
        return Err(ApiError::invalid(field, rule));
    }
    let mut surplus = Vec::new();
    if prune {
        let managed = ScheduleSelection::ManagedBy(set.name.clone());
        surplus = services
            .repositories
            .schedules()
            .schedule_list_selected(&managed)
            .await?;
        surplus.retain(|schedule| !seen.contains(&schedule.name));
    }
    for schedule in stored.named.values().chain(&surplus) {
        name_references(schedule, &mut names, services).await?;
    }
    let going: Vec<ScheduleId> = surplus.iter().map(|schedule| schedule.id).collect();
    let gone: HashMap<ScheduleId, String> = surplus
        .iter()
        .map(|schedule| (schedule.id, schedule.name.clone()))
        .collect();
    let plan = plan(&stored.named, resolved, surplus, &names);
    let foreign = plan.of_other_sets(&set.name);
    if !foreign.is_empty() {
        let told = foreign.iter().map(|(name, owner)| {
            format!("\"{name}\" belongs to the set \"{owner}\": take it over with adopt, or leave it out")
        });
        return Err(ApiError::conflict(told.collect::<Vec<_>>().join("; ")));
    }
    if !going.is_empty() {
        refuse_left_behind(&plan, going, &gone, services).await?;
    }
    Ok(plan)
}

/// A schedule that others follow goes with them only.
async fn refuse_left_behind(
    plan: &Plan,
    going: Vec<ScheduleId>,
    gone: &HashMap<ScheduleId, String>,
    services: &Services,
) -> Result<(), ApiError> {
    let following = ScheduleSelection::Following(going);
    let followers = services
        .repositories
        .schedules()
        .schedule_list_selected(&following)
        .await?;
    let behind = plan.left_behind(&followers);
    if behind.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = behind
        .iter()
        .map(|(follower, leader)| {
            let leader = gone.get(leader).map_or("", String::as_str);
            format!("\"{leader}\" would be deleted, but \"{follower}\" follows it")
        })
        .collect();
    Err(ApiError::conflict(told.join("; ")))
}

/// Finds out what people call what the schedule refers to.
async fn name_references(
    schedule: &UnifiedSchedule,
    names: &mut Names,
    services: &Services,
) -> Result<(), ApiError> {
    if !names.knows_task(schedule.task_id)
        && let Some(task) = services.repositories.tasks().task_find(schedule.task_id).await?
    {
        names.keep_task(&task);
    }
    if let Some(following) = schedule.follows()
        && !names.schedules.contains_key(&following.leader_id)
        && let Some(leader) = services
            .repositories
            .schedules()
            .schedule_find(following.leader_id)
            .await?
    {
        names.schedules.insert(leader.id, leader.name);
    }
    Ok(())
}

/// The scheduler names the field; which schedule's it is must be told among many.
fn refusal(error: SchedulerError) -> ApiError {
    match error {
        SchedulerError::InvalidSchedule { ref schedule, .. } => {
            let label = format!("schedules \"{schedule}\"");
            ApiError::invalid(&label, ApiError::from(error))
        }
        other => other.into(),
    }
}

/// All schedules as they would be desired: to apply these changes nothing. Secrets are masked, which stands for the stored
/// ones. One that is damaged is named, and nothing is exported: to apply the others would take it for one that is gone.
#[utoipa::path(
    get,
    path = "/schedules/export",
    tag = TAG,
    operation_id = "schedules_export",
    responses(
        (status = 200, body = One<Vec<DesiredSchedule>>),
        (status = 409, body = ErrorEnvelope, description = "What is stored of one cannot be read: the message names it and the column"),
    )
)]
pub(super) async fn export(services: Services) -> Result<One<Vec<Value>>, ApiError> {
    let schedules = services.repositories.schedules();
    let mut all: Vec<UnifiedSchedule> = Vec::new();
    loop {
        let page = schedules
            .schedule_scan(all.last().map(|last| last.id), PAGE)
            .await?;
        let is_last = page.len() < PAGE as usize;
        all.extend(page);
        if is_last {
            break;
        }
    }
    let mut names = Names::default();
    for schedule in &all {
        names.schedules.insert(schedule.id, schedule.name.clone());
    }
    for schedule in &all {
        name_references(schedule, &mut names, &services).await?;
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    let data = all.iter().map(|schedule| exported(schedule, &names)).collect();
    Ok(One { data })
}
