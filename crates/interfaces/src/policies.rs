use chrono::TimeDelta;

use crate::name::named_enum;

named_enum! {
    /// What happens with missed ticks: those that could not be decided on within the grace, because the engine was
    /// down or overloaded, because the clock was set forward, or because the schedule was paused.
    pub enum MisfirePolicy: "misfire policy" {
        /// All that are missed become one job, that of the latest; the ledger has each.
        Coalesce = "coalesce",
        /// None becomes a job; the ledger has each.
        Skip = "skip",
        /// The latest of them become a job each: at most [`SchedulePolicies::catch_up_max`], and none that was due
        /// longer ago than [`SchedulePolicies::catch_up_window`]. The others are skipped.
        CatchUp = "catch_up",
    }
}

named_enum! {
    /// What happens with a tick while a job of the schedule is unfinished. It is decided in the tick's own
    /// transaction, against the database.
    pub enum OverlapPolicy: "overlap policy" {
        /// Its job runs beside the others.
        Allow = "allow",
        /// It is skipped.
        Skip = "skip",
        /// Its job waits for the unfinished one; a tick that would have to wait behind a waiting job is skipped.
        BufferOne = "buffer_one",
        /// As `BufferOne`, but up to [`SchedulePolicies::buffer_limit`] jobs wait, and run one after the other.
        BufferAll = "buffer_all",
        /// The unfinished jobs are called off. Those that run are asked to stop, and the tick's job waits until they
        /// have.
        CancelRunning = "cancel_running",
        /// The unfinished jobs are called off at once, those that run are broken off, and the tick's job does not
        /// wait for them.
        TerminateRunning = "terminate_running",
    }
}

/// What a schedule does where its ticks and the world do not fit together. The defaults are what
/// [`SchedulePolicies::default`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SchedulePolicies {
    /// What happens with missed ticks.
    pub misfire: MisfirePolicy,
    /// A tick that is decided on so long after it was due is late, but not missed: it becomes a job of its own.
    /// `None` is the misfire policy's own: nothing for `Coalesce`, which loses no run and so merges all ticks that are
    /// found due together; a minute for the others.
    pub grace: Option<TimeDelta>,
    /// How many missed ticks become jobs under [`MisfirePolicy::CatchUp`], 1 through 1,000.
    pub catch_up_max: u32,
    /// How long ago a tick may have been due to become a job under [`MisfirePolicy::CatchUp`].
    pub catch_up_window: TimeDelta,
    /// What happens with a tick while a job of the schedule is unfinished.
    pub overlap: OverlapPolicy,
    /// How many jobs wait under [`OverlapPolicy::BufferAll`], 1 through 1,000.
    pub buffer_limit: u32,
    /// The schedule's ticks are due later than their nominal instants, by a time that is fixed for the schedule and
    /// less than this: so that many schedules of one expression are not due at once. Whole milliseconds.
    pub spread: TimeDelta,
    /// After so many ticks that became jobs the schedule is completed.
    pub max_runs: Option<u64>,
    /// After so many jobs in a row that failed for good, the schedule is paused.
    pub pause_after_failures: Option<u32>,
}

impl Default for SchedulePolicies {
    fn default() -> Self {
        Self {
            misfire: MisfirePolicy::Coalesce,
            grace: None,
            catch_up_max: 10,
            catch_up_window: TimeDelta::days(1),
            overlap: OverlapPolicy::BufferOne,
            buffer_limit: 100,
            spread: TimeDelta::zero(),
            max_runs: None,
            pause_after_failures: None,
        }
    }
}

/// A policy's value that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct PolicyError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What is allowed.
    pub rule: &'static str,
}

const LONGEST: TimeDelta = TimeDelta::days(3_660);

impl SchedulePolicies {
    /// How late a tick may be decided on without being missed.
    #[must_use]
    pub fn effective_grace(&self) -> TimeDelta {
        self.grace.unwrap_or(match self.misfire {
            MisfirePolicy::Coalesce => TimeDelta::zero(),
            MisfirePolicy::Skip | MisfirePolicy::CatchUp => TimeDelta::minutes(1),
        })
    }

    /// Checks each value by itself; whether a spread suits a specification is another matter.
    ///
    /// # Errors
    /// [`PolicyError`] names the first value that is not allowed, and the rule.
    pub fn check(&self) -> Result<(), PolicyError> {
        let Self {
            misfire: _,
            grace,
            catch_up_max,
            catch_up_window,
            overlap: _,
            buffer_limit,
            spread,
            max_runs,
            pause_after_failures,
        } = *self;
        let duration = |field, value: TimeDelta, least: TimeDelta, rule| {
            refuse(
                value < least || value > LONGEST,
                field,
                format!("{} s", seconds(value)),
                rule,
            )
        };
        if let Some(grace) = grace {
            duration(
                "grace",
                grace,
                TimeDelta::zero(),
                "allowed is 0 s through ten years",
            )?;
        }
        duration(
            "catchUpWindow",
            catch_up_window,
            TimeDelta::seconds(1),
            "allowed is 1 s through ten years",
        )?;
        duration(
            "spread",
            spread,
            TimeDelta::zero(),
            "allowed is 0 s through ten years",
        )?;
        refuse(
            spread.subsec_nanos() % 1_000_000 != 0,
            "spread",
            format!("{} s", seconds(spread)),
            "allowed are whole milliseconds",
        )?;
        let up_to_a_thousand = "allowed is 1 through 1000";
        refuse(
            !(1..=1_000).contains(&catch_up_max),
            "catchUpMax",
            catch_up_max.to_string(),
            up_to_a_thousand,
        )?;
        refuse(
            !(1..=1_000).contains(&buffer_limit),
            "bufferLimit",
            buffer_limit.to_string(),
            up_to_a_thousand,
        )?;
        refuse(
            max_runs == Some(0) || max_runs.is_some_and(|most| i64::try_from(most).is_err()),
            "maxRuns",
            max_runs.unwrap_or_default().to_string(),
            "allowed is 1 or more",
        )?;
        refuse(
            pause_after_failures == Some(0),
            "pauseAfterFailures",
            "0".to_owned(),
            "allowed is 1 or more",
        )
    }
}

/// Why a policy is refused that a schedule has no use for.
const OF_NO_USE: &str = "a schedule that follows another has no ticks of its own, to which this could apply: leave it \
                         at its default";

impl SchedulePolicies {
    /// Checks that a schedule which follows another has no policy that it could not keep: all but `pause_after_failures`
    /// are about ticks of its own.
    ///
    /// # Errors
    /// [`PolicyError`] names the first that is not at its default.
    pub fn check_following(&self) -> Result<(), PolicyError> {
        let Self {
            misfire,
            grace,
            catch_up_max,
            catch_up_window,
            overlap,
            buffer_limit,
            spread,
            max_runs,
            pause_after_failures: _,
        } = *self;
        let default = Self::default();
        let length = |length: TimeDelta| format!("{} s", seconds(length));
        let some_length = grace.map_or(String::new(), length);
        let runs = max_runs.map_or(String::new(), |most| most.to_string());
        for (differs, field, value) in [
            (misfire != default.misfire, "misfire", misfire.to_string()),
            (grace != default.grace, "grace", some_length),
            (
                catch_up_max != default.catch_up_max,
                "catchUpMax",
                catch_up_max.to_string(),
            ),
            (
                catch_up_window != default.catch_up_window,
                "catchUpWindow",
                length(catch_up_window),
            ),
            (overlap != default.overlap, "overlap", overlap.to_string()),
            (
                buffer_limit != default.buffer_limit,
                "bufferLimit",
                buffer_limit.to_string(),
            ),
            (spread != default.spread, "spread", length(spread)),
            (max_runs != default.max_runs, "maxRuns", runs),
        ] {
            refuse(differs, field, value, OF_NO_USE)?;
        }
        Ok(())
    }
}

fn refuse(wrong: bool, field: &'static str, value: String, rule: &'static str) -> Result<(), PolicyError> {
    if wrong {
        return Err(PolicyError { field, value, rule });
    }
    Ok(())
}

fn seconds(value: TimeDelta) -> f64 {
    value.as_seconds_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_has_only_the_policy_that_is_not_about_ticks() {
        let default = SchedulePolicies::default();
        let kept = SchedulePolicies {
            pause_after_failures: Some(3),
            ..default
        };
        assert_eq!(kept.check_following(), Ok(()));
        let minute = TimeDelta::minutes(1);
        for (field, policies) in [
            (
                "misfire",
                SchedulePolicies {
                    misfire: MisfirePolicy::Skip,
                    ..default
                },
            ),
            (
                "grace",
                SchedulePolicies {
                    grace: Some(minute),
                    ..default
                },
            ),
            (
                "catchUpMax",
                SchedulePolicies {
                    catch_up_max: 1,
                    ..default
                },
            ),
            (
                "catchUpWindow",
                SchedulePolicies {
                    catch_up_window: minute,
                    ..default
                },
            ),
            (
                "overlap",
                SchedulePolicies {
                    overlap: OverlapPolicy::Skip,
                    ..default
                },
            ),
            (
                "bufferLimit",
                SchedulePolicies {
                    buffer_limit: 1,
                    ..default
                },
            ),
            (
                "spread",
                SchedulePolicies {
                    spread: minute,
                    ..default
                },
            ),
            (
                "maxRuns",
                SchedulePolicies {
                    max_runs: Some(7),
                    ..default
                },
            ),
        ] {
            assert_eq!(policies.check_following().unwrap_err().field, field);
        }
    }

    #[test]
    fn the_defaults_are_allowed() {
        assert_eq!(SchedulePolicies::default().check(), Ok(()));
    }

    #[test]
    fn each_value_out_of_range_is_named_with_its_rule() {
        let defaults = SchedulePolicies::default();
        let wrong = [
            (
                "grace",
                SchedulePolicies {
                    grace: Some(TimeDelta::seconds(-1)),
                    ..defaults
                },
            ),
            (
                "catchUpWindow",
                SchedulePolicies {
                    catch_up_window: TimeDelta::zero(),
                    ..defaults
                },
            ),
            (
                "catchUpMax",
                SchedulePolicies {
                    catch_up_max: 0,
                    ..defaults
                },
            ),
            (
                "catchUpMax",
                SchedulePolicies {
                    catch_up_max: 1_001,
                    ..defaults
                },
            ),
            (
                "bufferLimit",
                SchedulePolicies {
                    buffer_limit: 0,
                    ..defaults
                },
            ),
            (
                "spread",
                SchedulePolicies {
                    spread: TimeDelta::seconds(-5),
                    ..defaults
                },
            ),
            (
                "spread",
                SchedulePolicies {
                    spread: TimeDelta::microseconds(1),
                    ..defaults
                },
            ),
            (
                "maxRuns",
                SchedulePolicies {
                    max_runs: Some(0),
                    ..defaults
                },
            ),
            (
                "pauseAfterFailures",
                SchedulePolicies {
                    pause_after_failures: Some(0),
                    ..defaults
                },
            ),
        ];
        for (field, policies) in wrong {
            let error = policies.check().unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.rule.starts_with("allowed"), "{error:?}");
        }
    }

    #[test]
    fn what_late_means_depends_on_the_misfire_policy_unless_it_is_said() {
        let skip = SchedulePolicies {
            misfire: MisfirePolicy::Skip,
            ..SchedulePolicies::default()
        };
        assert_eq!(SchedulePolicies::default().effective_grace(), TimeDelta::zero());
        assert_eq!(skip.effective_grace(), TimeDelta::minutes(1));
        let strict = SchedulePolicies {
            grace: Some(TimeDelta::seconds(2)),
            ..skip
        };
        assert_eq!(strict.effective_grace(), TimeDelta::seconds(2));
    }
}
