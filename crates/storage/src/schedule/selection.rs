//! Schedules that are asked for together.

use ratchet_interfaces::{RepositoryError, ScheduleSelection, UnifiedSchedule};
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::reader::Reader;
use crate::row::schedule::{Column, Entity, read};
use crate::row::{found, text};

/// As many values go into one statement.
const AT_ONCE: usize = 500;

/// See [`ratchet_interfaces::ScheduleRepository::schedule_list_selected`].
pub(super) async fn list(
    reader: &Reader,
    selection: &ScheduleSelection,
) -> Result<Vec<UnifiedSchedule>, RepositoryError> {
    let conditions: Vec<SimpleExpr> = match selection {
        ScheduleSelection::Named(names) => names
            .chunks(AT_ONCE)
            .map(|names| Column::Name.is_in(names.iter().map(|name| text(name))))
            .collect(),
        ScheduleSelection::ManagedBy(set) => vec![Column::ManagedBy.eq(text(set))],
        ScheduleSelection::Following(leaders) => leaders
            .chunks(AT_ONCE)
            .map(|leaders| Column::FollowsId.is_in(leaders.iter().map(|leader| leader.as_uuid())))
            .collect(),
    };
    let mut schedules = Vec::new();
    for condition in conditions {
        let rows = Entity::find().filter(condition).order_by_asc(Column::Name);
        schedules.extend(found::all(reader, rows, "selecting schedules", read).await?);
    }
    schedules.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(schedules)
}

#[cfg(test)]
mod tests {
    use sea_orm::{DbBackend, Statement};

    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn the_schedules_of_a_set_are_found_without_a_look_at_the_others() {
        let statement = Statement::from_sql_and_values(
            DbBackend::Sqlite,
            "SELECT id FROM schedules WHERE managed_by = $1 ORDER BY name",
            ["apply".into()],
        );
        let steps = steps_on("schedules", statement).await;
        assert_eq!(
            steps,
            ["SEARCH schedules USING INDEX schedules_managed_by (managed_by=?)"]
        );
    }
}
