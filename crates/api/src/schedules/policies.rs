use chrono::TimeDelta;
use ratchet_interfaces::SchedulePolicies;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::{nullable, nullable_whole, present, present_whole};
use crate::error::ApiError;
use crate::named::{MisfirePolicyName, Name, OverlapPolicyName};

/// What a schedule does where its ticks and the world do not fit together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Policies)]
pub(crate) struct PoliciesView {
    /// What happens with missed ticks.
    misfire: MisfirePolicyName,
    /// How late a tick may be decided on without being missed; null is the misfire policy's own.
    grace_seconds: Option<f64>,
    /// How many missed ticks become jobs under `CATCH_UP`.
    #[schema(example = 100)]
    catch_up_max: u32,
    /// How long ago a tick may have been due to become a job under `CATCH_UP`.
    #[schema(example = 86400.0)]
    catch_up_window_seconds: f64,
    /// What happens with a tick while a job of the schedule is unfinished.
    overlap: OverlapPolicyName,
    /// How many jobs wait under `BUFFER_ALL`.
    #[schema(example = 100)]
    buffer_limit: u32,
    /// Its ticks are due later than their nominal instants, by a fixed time that is less than this.
    #[schema(example = 0.0)]
    spread_seconds: f64,
    /// After so many ticks that became jobs it is completed.
    max_runs: Option<u64>,
    /// After so many jobs in a row that failed for good, it is paused.
    pause_after_failures: Option<u32>,
}

impl From<SchedulePolicies> for PoliciesView {
    fn from(policies: SchedulePolicies) -> Self {
        let SchedulePolicies {
            misfire,
            grace,
            catch_up_max,
            catch_up_window,
            overlap,
            buffer_limit,
            spread,
            max_runs,
            pause_after_failures,
        } = policies;
        Self {
            misfire: Name(misfire),
            grace_seconds: grace.map(|grace| grace.as_seconds_f64()),
            catch_up_max,
            catch_up_window_seconds: catch_up_window.as_seconds_f64(),
            overlap: Name(overlap),
            buffer_limit,
            spread_seconds: spread.as_seconds_f64(),
            max_runs,
            pause_after_failures,
        }
    }
}

/// Policies that somebody gave. What is left out stays as it is, or at its default.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicyChanges {
    /// What happens with missed ticks.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    misfire: Option<MisfirePolicyName>,
    /// How late a tick may be decided on without being missed; null is the misfire policy's own.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<f64>)]
    grace_seconds: Option<Option<f64>>,
    /// How many missed ticks become jobs under `CATCH_UP`.
    #[serde(default, deserialize_with = "present_whole")]
    #[schema(nullable = false)]
    catch_up_max: Option<u32>,
    /// How long ago a tick may have been due to become a job under `CATCH_UP`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    catch_up_window_seconds: Option<f64>,
    /// What happens with a tick while a job of the schedule is unfinished.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    overlap: Option<OverlapPolicyName>,
    /// How many jobs wait under `BUFFER_ALL`.
    #[serde(default, deserialize_with = "present_whole")]
    #[schema(nullable = false)]
    buffer_limit: Option<u32>,
    /// Its ticks are due later than their nominal instants, by a fixed time that is less than this.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    spread_seconds: Option<f64>,
    /// After so many ticks that became jobs it is completed; null is never.
    #[serde(default, deserialize_with = "nullable_whole")]
    #[schema(value_type = Option<u64>)]
    max_runs: Option<Option<u64>>,
    /// After so many jobs in a row that failed for good, it is paused; null is never.
    #[serde(default, deserialize_with = "nullable_whole")]
    #[schema(value_type = Option<u32>)]
    pause_after_failures: Option<Option<u32>>,
}

impl PolicyChanges {
    /// The policies with these changes. Whether they are allowed is the scheduler's to say.
    pub(super) fn applied_to(self, before: SchedulePolicies) -> Result<SchedulePolicies, ApiError> {
        let Self {
            misfire,
            grace_seconds,
            catch_up_max,
            catch_up_window_seconds,
            overlap,
            buffer_limit,
            spread_seconds,
            max_runs,
            pause_after_failures,
        } = self;
        let grace = match grace_seconds {
            None => before.grace,
            Some(None) => None,
            Some(Some(seconds)) => Some(length("policies.graceSeconds", seconds)?),
        };
        let catch_up_window = catch_up_window_seconds
            .map(|seconds| length("policies.catchUpWindowSeconds", seconds))
            .transpose()?;
        let spread = spread_seconds
            .map(|seconds| length("policies.spreadSeconds", seconds))
            .transpose()?;
        Ok(SchedulePolicies {
            misfire: misfire.map_or(before.misfire, |Name(misfire)| misfire),
            grace,
            catch_up_max: catch_up_max.unwrap_or(before.catch_up_max),
            catch_up_window: catch_up_window.unwrap_or(before.catch_up_window),
            overlap: overlap.map_or(before.overlap, |Name(overlap)| overlap),
            buffer_limit: buffer_limit.unwrap_or(before.buffer_limit),
            spread: spread.unwrap_or(before.spread),
            max_runs: max_runs.unwrap_or(before.max_runs),
            pause_after_failures: pause_after_failures.unwrap_or(before.pause_after_failures),
        })
    }
}

/// A hundred years, in milliseconds: what is longer would not be a length of time here.
const LONGEST: f64 = 3_155_760_000_000.0;

/// A length of time in whole milliseconds.
fn length(field: &str, seconds: f64) -> Result<TimeDelta, ApiError> {
    whole_milliseconds(seconds).ok_or_else(|| {
        let rule = format!("{seconds} is not allowed: it is 0 or more seconds, in whole milliseconds");
        ApiError::invalid(field, rule)
    })
}

/// A length of time that is given in seconds, if it is one.
pub(crate) fn whole_milliseconds(seconds: f64) -> Option<TimeDelta> {
    let milliseconds = (seconds * 1_000.0).round();
    let exact = (seconds * 1_000.0 - milliseconds).abs() < 1e-6;
    if !exact || !(0.0..=LONGEST).contains(&milliseconds) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is whole, and within the limit above"
    )]
    Some(TimeDelta::milliseconds(milliseconds as i64))
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{MisfirePolicy, OverlapPolicy};
    use serde_json::json;

    use super::*;

    fn applied(json: serde_json::Value) -> Result<SchedulePolicies, ApiError> {
        let changes: PolicyChanges = serde_json::from_value(json).unwrap();
        changes.applied_to(SchedulePolicies {
            max_runs: Some(9),
            ..SchedulePolicies::default()
        })
    }

    #[test]
    fn what_is_left_out_stays_and_null_takes_away() {
        let policies = applied(json!({"overlap": "ALLOW", "graceSeconds": 1.5})).unwrap();
        assert_eq!(policies.overlap, OverlapPolicy::Allow);
        assert_eq!(policies.grace, Some(TimeDelta::milliseconds(1_500)));
        assert_eq!((policies.max_runs, policies.catch_up_max), (Some(9), 10));
        assert_eq!(applied(json!({"maxRuns": null})).unwrap().max_runs, None);
    }

    #[test]
    fn a_length_of_time_that_is_none_is_named() {
        for seconds in [-1.0, 0.000_1, 1e300] {
            let error = applied(json!({"spreadSeconds": seconds})).unwrap_err();
            assert!(
                error.to_string().starts_with("policies.spreadSeconds: "),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_shown_can_be_sent_back() {
        let policies = SchedulePolicies {
            misfire: MisfirePolicy::CatchUp,
            grace: Some(TimeDelta::seconds(7)),
            spread: TimeDelta::milliseconds(1_250),
            pause_after_failures: Some(3),
            ..SchedulePolicies::default()
        };
        let shown = serde_json::to_value(PoliciesView::from(policies)).unwrap();
        assert_eq!(applied(shown).unwrap(), policies);
    }
}
