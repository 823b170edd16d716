use std::collections::HashMap;

/// How many deliveries of a lane of which nothing is known are under way at once.
const FIRST: usize = 10;
/// How many of a lane that works. Some slots are left for the others, whatever happens to this one.
const MOST: usize = 50;
/// How many of a lane that does not.
const FEWEST: usize = 2;
/// How many lanes are known at the most, those aside that something is under way to.
const REMEMBERED: usize = 1_000;

/// How many deliveries are under way to each lane, and how many may be: one more for each that arrives, half for each
/// that does not. So a destination that is dead or slow keeps few slots from the others, and one that works gets many.
///
/// When too many lanes are known, those that nothing is under way to are forgotten.
#[derive(Debug, Default)]
pub(super) struct Lanes(HashMap<String, Lane>);

#[derive(Debug)]
struct Lane {
    under_way: usize,
    limit: usize,
}

impl Lanes {
    /// Takes a place, if there is one.
    pub(super) fn enter(&mut self, name: &str) -> bool {
        // Most often it is there already.
        if !self.0.contains_key(name) {
            let lane = Lane {
                under_way: 0,
                limit: FIRST,
            };
            self.0.insert(name.to_owned(), lane);
        }
        let Some(lane) = self.0.get_mut(name) else {
            return false;
        };
        let has_room = lane.under_way < lane.limit;
        lane.under_way += usize::from(has_room);
        has_room
    }

    /// Gives a place back. `works` says whether the lane did what it is for.
    pub(super) fn leave(&mut self, name: &str, works: bool) {
        let Some(lane) = self.0.get_mut(name) else {
            return;
        };
        lane.under_way = lane.under_way.saturating_sub(1);
        lane.limit = if works {
            (lane.limit + 1).min(MOST)
        } else {
            (lane.limit / 2).max(FEWEST)
        };
        if self.0.len() > REMEMBERED {
            self.0.retain(|_, lane| lane.under_way > 0);
        }
    }

    /// The lanes without a place.
    pub(super) fn full(&self) -> Vec<String> {
        let full = self.0.iter().filter(|(_, lane)| lane.under_way >= lane.limit);
        full.map(|(name, _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(lanes: &mut Lanes, name: &str) -> usize {
        std::iter::from_fn(|| lanes.enter(name).then_some(())).count()
    }

    #[test]
    fn a_lane_that_works_gets_room_and_one_that_does_not_loses_it() {
        let mut lanes = Lanes::default();
        assert_eq!(fill(&mut lanes, "a"), 10);
        assert_eq!(fill(&mut lanes, "b"), 10);
        assert_eq!(lanes.full().len(), 2);
        for _ in 0..9 {
            lanes.leave("a", true);
            lanes.leave("b", false);
        }
        assert_eq!(lanes.full(), [""; 0]);
        assert_eq!((fill(&mut lanes, "a"), fill(&mut lanes, "b")), (18, 1));
        for _ in 0..200 {
            lanes.leave("a", true);
            lanes.enter("a");
        }
        fill(&mut lanes, "a");
        assert_eq!(lanes.0["a"].under_way, 50);
    }

    #[test]
    fn what_is_known_of_a_lane_outlasts_its_deliveries_and_there_is_an_end_to_that() {
        let mut lanes = Lanes::default();
        for works in [true, false] {
            lanes.enter(&works.to_string());
            lanes.leave(&works.to_string(), works);
        }
        assert_eq!((fill(&mut lanes, "true"), fill(&mut lanes, "false")), (11, 5));
        for n in 0..=REMEMBERED {
            lanes.enter(&n.to_string());
            lanes.leave(&n.to_string(), true);
        }
        assert!(lanes.0.len() < 10, "{}", lanes.0.len());
        assert_eq!((lanes.0["true"].under_way, lanes.0["false"].under_way), (11, 5));
        lanes.leave("unknown", true);
    }
}
