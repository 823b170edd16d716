use std::fmt;

use crate::{DependencyCondition, ScheduleId};

/// That a schedule has no ticks of its own: it runs whenever a job of another schedule, its leader, is made, and after
/// that job has ended as it must.
///
/// Its text is a specification, stored and shown like that of cron. The condition is spoken of one job here, and so in
/// words of its own.
///
/// ```
/// use ratchet_interfaces::{DependencyCondition, Following};
/// let text = "after 00000000-0000-0000-0000-000000000001 succeeded";
/// let following = Following::of(text).unwrap();
/// assert_eq!(following.condition, DependencyCondition::AllSucceeded);
/// assert_eq!(following.to_string(), text);
/// assert_eq!(Following::of("0 9 * * *"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Following {
    /// The schedule that it follows.
    pub leader_id: ScheduleId,
    /// What the leader's job must have come to.
    pub condition: DependencyCondition,
}

/// A following as a person writes it: `after nightly-import succeeded`, with the leader's name or id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenFollowing<'a> {
    /// The leader's name or id.
    pub leader: &'a str,
    /// See [`Following::condition`].
    pub condition: DependencyCondition,
}

/// A text that begins like a following, and is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FollowingError {
    /// It names no schedule.
    #[error("it names no schedule: allowed is as in \"after nightly-import succeeded\"")]
    NoLeader,
    /// It does not end with a condition.
    #[error(
        "it ends with \"{word}\": a schedule that follows another does so when a job of that has succeeded, finished or \
         failed, as in \"after nightly-import succeeded\""
    )]
    Condition {
        /// The last word.
        word: String,
    },
}

const WORDS: [(&str, DependencyCondition); 3] = [
    ("succeeded", DependencyCondition::AllSucceeded),
    ("finished", DependencyCondition::AllFinished),
    ("failed", DependencyCondition::AnyFailed),
];

const AFTER: &str = "after";

impl Following {
    /// The following that a stored specification is, if it is one. Stored is the leader's id: its name may change.
    #[must_use]
    pub fn of(specification: &str) -> Option<Self> {
        let WrittenFollowing { leader, condition } = WrittenFollowing::read(specification)?.ok()?;
        let leader_id = leader.parse().ok()?;
        Some(Self { leader_id, condition })
    }

    /// The word for the condition.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.condition {
            DependencyCondition::AllSucceeded => WORDS[0].0,
            DependencyCondition::AllFinished => WORDS[1].0,
            DependencyCondition::AnyFailed => WORDS[2].0,
        }
    }
}

impl fmt::Display for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{AFTER} {} {}", self.leader_id, self.word())
    }
}

impl<'a> WrittenFollowing<'a> {
    /// Reads a text that begins with the word `after`; `None` if it does not, and so is something else. A name may hold
    /// spaces, and stand in quotation marks.
    ///
    /// # Errors
    /// [`FollowingError`] says what is missing.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Result<Self, FollowingError>> {
        let text = text.trim();
        let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        first
            .eq_ignore_ascii_case(AFTER)
            .then(|| Self::of_words(rest.trim()))
    }

    fn of_words(text: &'a str) -> Result<Self, FollowingError> {
        if text.is_empty() {
            return Err(FollowingError::NoLeader);
        }
        let (leader, word) = text.rsplit_once(char::is_whitespace).unwrap_or(("", text));
        let known = WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        let Some((_, condition)) = known else {
            let word = word.to_owned();
            return Err(FollowingError::Condition { word });
        };
        let leader = leader.trim();
        let quoted = leader
            .strip_prefix('"')
            .and_then(|leader| leader.strip_suffix('"'));
        let leader = quoted.unwrap_or(leader);
        if leader.is_empty() {
            return Err(FollowingError::NoLeader);
        }
        Ok(Self {
            leader,
            condition: *condition,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_is_printed_and_read_back() {
        for condition in DependencyCondition::ALL {
            let following = Following {
                leader_id: ScheduleId::new(),
                condition: *condition,
            };
            assert_eq!(Following::of(&following.to_string()), Some(following));
        }
    }

    #[test]
    fn a_name_may_hold_spaces_and_stand_in_quotation_marks() {
        for (text, leader) in [
            ("after nightly succeeded", "nightly"),
            ("  After   nightly import   FAILED ", "nightly import"),
            ("after \"after failed\" finished", "after failed"),
            ("after it failed finished", "it failed"),
        ] {
            assert_eq!(
                WrittenFollowing::read(text).unwrap().unwrap().leader,
                leader,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        for text in ["after", "after succeeded", "after \"\" failed"] {
            assert_eq!(
                WrittenFollowing::read(text),
                Some(Err(FollowingError::NoLeader)),
                "{text}"
            );
        }
        let error = WrittenFollowing::read("after nightly won").unwrap().unwrap_err();
        assert!(error.to_string().contains("\"won\""), "{error}");
    }

    #[test]
    fn other_specifications_are_something_else() {
        for text in ["", "0 9 * * *", "every 5m", "afternoon", "every day after nine"] {
            assert_eq!(WrittenFollowing::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_is_no_stored_leader() {
        assert_eq!(Following::of("after nightly succeeded"), None);
    }
}
