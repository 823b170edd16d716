//! Schedules count by themselves those changes that concern when they fire.

use crate::steps::Steps;

pub(crate) const COUNT_TIMING_CHANGES: Steps = Steps {
    name: "m20261129_000008_count_timing_changes",
    // A column with a constant default is added to a row when that is next written: no row is touched now.
    up: &["ALTER TABLE schedules ADD COLUMN timing_version {int} NOT NULL DEFAULT 1"],
    down: &["ALTER TABLE schedules DROP COLUMN timing_version"],
};
