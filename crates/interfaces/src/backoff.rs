use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::tag::tagged_by_text;

/// How long one waits before something is tried again. It exists only with values in range, also when it is read from
/// JSON.
///
/// ```
/// use std::time::Duration;
/// use ratchet_interfaces::Backoff;
/// let backoff = Backoff::exponential(Duration::from_secs(1), Duration::from_secs(5), 2.0)?;
/// let seconds: Vec<u64> = (0..4).map(|repetitions| backoff.delay(repetitions).as_secs()).collect();
/// assert_eq!(seconds, [1, 2, 4, 5]);
/// # Ok::<(), ratchet_interfaces::BackoffError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenBackoff", into = "WrittenBackoff")]
pub struct Backoff(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Exponential {
        initial: Duration,
        most: Duration,
        multiplier: f64,
    },
    Fixed(Duration),
    List(Vec<Duration>),
}

/// A backoff as people write it, in seconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(remote = "Self", tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum WrittenBackoff {
    /// Longer from time to time.
    Exponential {
        /// The first delay.
        #[serde(default = "one")]
        initial_seconds: f64,
        /// The longest.
        #[serde(default = "five_minutes")]
        max_seconds: f64,
        /// How many times as long each is as the one before.
        #[serde(default = "two")]
        multiplier: f64,
    },
    /// Equally long each time.
    Fixed {
        /// The delay.
        delay_seconds: f64,
    },
    /// As a list says.
    List {
        /// The delays, the last of which repeats.
        delays_seconds: Vec<f64>,
    },
}

tagged_by_text!(WrittenBackoff, "type");

const fn one() -> f64 {
    1.0
}

const fn two() -> f64 {
    2.0
}

const fn five_minutes() -> f64 {
    300.0
}

/// A value of a backoff that is not allowed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{field} is {value}: {rule}")]
pub struct BackoffError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What is allowed.
    pub rule: &'static str,
}

impl Backoff {
    /// The longest delay: a week.
    pub const LONGEST: Duration = Duration::from_secs(7 * 86_400);

    /// The most delays of a list.
    pub const MAX_DELAYS: usize = 100;

    /// Waits `initial` first, `multiplier` times as long each time after that, and never longer than `most`.
    ///
    /// # Errors
    /// [`BackoffError`] unless the delays are within a millisecond and a week, `most` is no shorter than `initial`, and
    /// `multiplier` is within 1 and 10.
    pub fn exponential(initial: Duration, most: Duration, multiplier: f64) -> Result<Self, BackoffError> {
        check("initial_seconds", initial)?;
        check("max_seconds", most)?;
        if most < initial {
            return Err(BackoffError {
                field: "max_seconds",
                value: most.as_secs_f64().to_string(),
                rule: "it must not be shorter than initial_seconds",
            });
        }
        if !(1.0..=10.0).contains(&multiplier) {
            return Err(BackoffError {
                field: "multiplier",
                value: multiplier.to_string(),
                rule: "allowed is 1 through 10",
            });
        }
        Ok(Self(Kind::Exponential {
            initial,
            most,
            multiplier,
        }))
    }

    /// Waits equally long each time.
    ///
    /// # Errors
    /// [`BackoffError`] unless the delay is within a millisecond and a week.
    pub fn fixed(delay: Duration) -> Result<Self, BackoffError> {
        check("delay_seconds", delay)?;
        Ok(Self(Kind::Fixed(delay)))
    }

    /// Waits as the list says, and as its last element says from there on.
    ///
    /// # Errors
    /// [`BackoffError`] unless there are 1 to 100 delays within a millisecond and a week.
    pub fn list(delays: Vec<Duration>) -> Result<Self, BackoffError> {
        if !(1..=Self::MAX_DELAYS).contains(&delays.len()) {
            return Err(BackoffError {
                field: "delays_seconds",
                value: format!("a list of {}", delays.len()),
                rule: "allowed are 1 through 100 delays",
            });
        }
        for delay in &delays {
            check("delays_seconds", *delay)?;
        }
        Ok(Self(Kind::List(delays)))
    }

    /// A doubling one of this workspace's own, whose values are seen to be in order.
    #[must_use]
    pub const fn doubling(initial: Duration, most: Duration) -> Self {
        Self(Kind::Exponential {
            initial,
            most,
            multiplier: two(),
        })
    }

    /// The delay before the repetition that follows `repetitions` others.
    #[must_use]
    pub fn delay(&self, repetitions: u32) -> Duration {
        match &self.0 {
            Kind::Exponential {
                initial,
                most,
                multiplier,
            } => {
                let exponent = i32::try_from(repetitions).unwrap_or(i32::MAX);
                // Beyond the range of a duration, the cap holds in any case.
                Duration::try_from_secs_f64(initial.as_secs_f64() * multiplier.powi(exponent))
                    .map_or(*most, |delay| delay.min(*most))
            }
            Kind::Fixed(delay) => *delay,
            Kind::List(delays) => {
                let place = usize::try_from(repetitions).unwrap_or(usize::MAX);
                *delays
                    .get(place)
                    .or(delays.last())
                    .expect("a list of delays has at least one")
            }
        }
    }

    /// The same, spread so that many that failed together do not come back together. An exponential delay becomes one
    /// between its half and itself, by `random`, which is within 0 and 1; a fixed one and a list are kept to the letter.
    #[must_use]
    pub fn jittered(&self, repetitions: u32, random: f64) -> Duration {
        let delay = self.delay(repetitions);
        match &self.0 {
            Kind::Exponential { .. } => delay.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0),
            Kind::Fixed(_) | Kind::List(_) => delay,
        }
    }

    /// The longest delay that there is.
    #[must_use]
    pub fn longest(&self) -> Duration {
        match &self.0 {
            Kind::Exponential { most, .. } => *most,
            Kind::Fixed(delay) => *delay,
            Kind::List(delays) => *delays.iter().max().expect("a list of delays has at least one"),
        }
    }
}

impl Default for Backoff {
    /// One second, doubling up to five minutes.
    fn default() -> Self {
        Self::doubling(Duration::from_secs(1), Duration::from_secs(300))
    }
}

impl TryFrom<WrittenBackoff> for Backoff {
    type Error = BackoffError;

    fn try_from(written: WrittenBackoff) -> Result<Self, BackoffError> {
        match written {
            WrittenBackoff::Exponential {
                initial_seconds,
                max_seconds,
                multiplier,
            } => Self::exponential(
                duration("initial_seconds", initial_seconds)?,
                duration("max_seconds", max_seconds)?,
                multiplier,
            ),
            WrittenBackoff::Fixed { delay_seconds } => Self::fixed(duration("delay_seconds", delay_seconds)?),
            WrittenBackoff::List { delays_seconds } => Self::list(
                delays_seconds
                    .into_iter()
                    .map(|seconds| duration("delays_seconds", seconds))
                    .collect::<Result<_, _>>()?,
            ),
        }
    }
}

impl From<Backoff> for WrittenBackoff {
    fn from(backoff: Backoff) -> Self {
        match backoff.0 {
            Kind::Exponential {
                initial,
                most,
                multiplier,
            } => Self::Exponential {
                initial_seconds: initial.as_secs_f64(),
                max_seconds: most.as_secs_f64(),
                multiplier,
            },
            Kind::Fixed(delay) => Self::Fixed {
                delay_seconds: delay.as_secs_f64(),
            },
            Kind::List(delays) => Self::List {
                delays_seconds: delays.iter().map(Duration::as_secs_f64).collect(),
            },
        }
    }
}

const DELAY_RULE: &str = "allowed is 0.001 through 604800 seconds";

fn duration(field: &'static str, seconds: f64) -> Result<Duration, BackoffError> {
    Duration::try_from_secs_f64(seconds).map_err(|_| BackoffError {
        field,
        value: seconds.to_string(),
        rule: DELAY_RULE,
    })
}

fn check(field: &'static str, delay: Duration) -> Result<(), BackoffError> {
    if (Duration::from_millis(1)..=Backoff::LONGEST).contains(&delay) {
        return Ok(());
    }
    Err(BackoffError {
        field,
        value: delay.as_secs_f64().to_string(),
        rule: DELAY_RULE,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(json: serde_json::Value) -> Result<Backoff, String> {
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    #[test]
    fn the_default_doubles_from_a_second_to_five_minutes() {
        let seconds: Vec<u64> = (0..11).map(|n| Backoff::default().delay(n).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn a_list_is_kept_to_the_letter_and_its_last_delay_repeats() {
        let backoff = read(json!({"type": "list", "delays_seconds": [5, 0.25, 60]})).unwrap();
        let millis: Vec<u128> = (0..5).map(|n| backoff.jittered(n, 0.3).as_millis()).collect();
        assert_eq!(millis, [5_000, 250, 60_000, 60_000, 60_000]);
        assert_eq!(backoff.longest(), Duration::from_secs(60));
    }

    #[test]
    fn a_value_out_of_range_is_named_with_its_rule() {
        for (json, told) in [
            (
                json!({"type": "fixed", "delay_seconds": 0}),
                "delay_seconds is 0: allowed is 0.001 through 604800 seconds",
            ),
            (
                json!({"type": "fixed", "delay_seconds": -1}),
                "delay_seconds is -1: allowed is 0.001 through 604800 seconds",
            ),
            (
                json!({"type": "exponential", "initial_seconds": 3, "max_seconds": 2}),
                "max_seconds is 2: it must not be shorter than initial_seconds",
            ),
            (
                json!({"type": "exponential", "multiplier": 11}),
                "multiplier is 11: allowed is 1 through 10",
            ),
            (
                json!({"type": "list", "delays_seconds": []}),
                "delays_seconds is a list of 0: allowed are 1 through 100 delays",
            ),
        ] {
            assert_eq!(read(json).unwrap_err(), told);
        }
        assert!(read(json!({"type": "exponential", "initial": 3})).is_err());
    }

    proptest! {
        #[test]
        fn an_exponential_delay_is_within_its_bounds_and_never_falls(
            initial in 1_u64..=604_800_000,
            more in 0_u64..=604_800_000,
            multiplier in 1.0..=10.0,
            repetitions: u32,
        ) {
            let (initial, most) = (Duration::from_millis(initial), Duration::from_millis((initial + more).min(604_800_000)));
            let backoff = Backoff::exponential(initial, most, multiplier).unwrap();
            let delay = backoff.delay(repetitions);
            prop_assert!(delay >= initial && delay <= most);
            prop_assert!(backoff.delay(repetitions.saturating_add(1)) >= delay);
        }

        #[test]
        fn a_jittered_delay_is_between_half_and_whole(repetitions in 0_u32..64, random in 0.0..=1.0) {
            let backoff = Backoff::default();
            let (delay, jittered) = (backoff.delay(repetitions), backoff.jittered(repetitions, random));
            prop_assert!(jittered >= delay / 2 && jittered <= delay);
        }

        #[test]
        fn what_is_written_is_read_back(initial in 1_u64..1_000_000, more in 0_u64..1_000_000) {
            let (initial, most) = (Duration::from_millis(initial), Duration::from_millis((initial + more).min(604_800_000)));
            for backoff in [
                Backoff::exponential(initial.min(most), most, 1.5).unwrap(),
                Backoff::fixed(most).unwrap(),
                Backoff::list(vec![initial.min(most), most]).unwrap(),
            ] {
                let written = serde_json::to_value(&backoff).unwrap();
                prop_assert_eq!(read(written).unwrap(), backoff);
            }
        }
    }
}
