//! Schedules know to which set of schedules as code they belong.

use crate::steps::Steps;

pub(crate) const MARK_MANAGED_SCHEDULES: Steps = Steps {
    name: "m20261128_000005_mark_managed_schedules",
    // A column that may be null is added to a row when that is next written: no row is touched now.
    up: &[
        "ALTER TABLE schedules ADD COLUMN managed_by TEXT",
        "CREATE INDEX schedules_managed_by ON schedules (managed_by, name) WHERE managed_by IS NOT NULL",
    ],
    down: &[
        "DROP INDEX schedules_managed_by",
        "ALTER TABLE schedules DROP COLUMN managed_by",
    ],
};
