//! What somebody writes of a schedule that follows another.

use std::collections::HashMap;

use ratchet_interfaces::{
    Following, FollowingError, RepositoryError, ScheduleId, SchedulerError, UnifiedSchedule, WrittenFollowing,
};
use ratchet_repository_bridge::RepositoryBridge;

use super::{failed, refusal};

/// Of ticks in a zone there are none.
const ZONE: &str = "UTC";

/// Finds the schedule that is to be followed, by its id or its name, and refuses what has no meaning for a follower.
pub(super) async fn checked(
    bridge: &RepositoryBridge,
    schedule: &UnifiedSchedule,
    written: Result<WrittenFollowing<'_>, FollowingError>,
    new: &HashMap<String, ScheduleId>,
) -> Result<Following, SchedulerError> {
    let refused = refusal(schedule);
    let text = || schedule.specification.clone();
    let WrittenFollowing { leader, condition } =
        written.map_err(|error| refused("specification", text(), error.into()))?;
    let found = leader_of(bridge, leader, new)
        .await
        .map_err(failed("looking for the schedule that is followed"))?;
    let Some(leader_id) = found else {
        let reason = format!("no schedule has the name or id \"{leader}\"");
        return Err(refused("specification", text(), reason.into()));
    };
    if schedule.timezone != ZONE {
        let reason =
            "a schedule that follows another has no ticks of its own that would be in a zone: allowed is UTC";
        return Err(refused("timezone", schedule.timezone.clone(), reason.into()));
    }
    schedule
        .policies
        .check()
        .and_then(|()| schedule.policies.check_following())
        .map_err(|error| refused(error.field, error.value.clone(), error.into()))?;
    Ok(Following { leader_id, condition })
}

async fn leader_of(
    bridge: &RepositoryBridge,
    leader: &str,
    new: &HashMap<String, ScheduleId>,
) -> Result<Option<ScheduleId>, RepositoryError> {
    if let Ok(id) = leader.parse::<ScheduleId>()
        && (new.values().any(|new| *new == id) || bridge.find_schedule(id).await?.is_some())
    {
        return Ok(Some(id));
    }
    if let Some(id) = new.get(leader) {
        return Ok(Some(*id));
    }
    let found = bridge.find_schedule_by_name(leader).await?;
    Ok(found.map(|found| found.id))
}
