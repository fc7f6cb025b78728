//! In which order a worker looks into the lanes, so that each has its share.
//!
//! Each job that is taken is one turn of the wheel. A turn belongs to one lane,
//! and over all turns each lane gets as many as its weight says, spread evenly
//! (smooth weighted round-robin, as nginx has it for its upstreams). A lane that
//! is empty at its turn lends it to the next one in order and is owed nothing. A
//! lane without weight has no turns: it is looked into when all others are empty.

use crate::QueueError;
use heim_common::job::Lane;
use serde::{Deserialize, Serialize};

/// Most turns of one lane before all have had theirs.
const WEIGHT_MAX: u16 = 1_000;

/// Of how many jobs each lane gets how many while all lanes are full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LaneWeights {
    /// Somebody is looking at the placeholder: most of it.
    pub interactive: u16,
    /// Never nothing, so that a large picture comes, however many small ones do.
    pub bulk: u16,
    /// Nothing, so that new uploads always pass it; an operator may give it a share.
    pub backfill: u16,
}

impl Default for LaneWeights {
    fn default() -> Self {
        Self { interactive: 15, bulk: 4, backfill: 0 }
    }
}

impl LaneWeights {
    fn of(self, lane: Lane) -> u16 {
        match lane {
            Lane::Interactive => self.interactive,
            Lane::Bulk => self.bulk,
            Lane::Backfill => self.backfill,
        }
    }

    /// # Errors
    /// If a lane of new uploads would never get its turn, or wait too long for it.
    pub(crate) fn validate(self) -> Result<(), QueueError> {
        let is_fair = self.interactive > 0 && self.bulk > 0;
        let is_bounded = Lane::ALL.iter().all(|lane| self.of(*lane) <= WEIGHT_MAX);
        if is_fair && is_bounded { Ok(()) } else { Err(QueueError::Weights(WEIGHT_MAX)) }
    }
}

/// Whose turn it is.
#[derive(Clone, Debug)]
pub(crate) struct Wheel {
    lanes: Vec<Spoke>,
    total: i64,
}

#[derive(Clone, Copy, Debug)]
struct Spoke {
    lane: Lane,
    weight: i64,
    credit: i64,
}

impl Wheel {
    pub(crate) fn new(weights: LaneWeights) -> Self {
        let spoke = |&lane: &Lane| Spoke { lane, weight: i64::from(weights.of(lane)), credit: 0 };
        let lanes: Vec<_> = Lane::ALL.iter().map(spoke).collect();
        let total = lanes.iter().map(|spoke| spoke.weight).sum();
        Self { lanes, total }
    }

    /// The lanes, the one whose turn it is first, those without weight last.
    pub(crate) fn order(&self) -> Vec<Lane> {
        let turn = self.next();
        let mut lanes: Vec<_> = (0..self.lanes.len()).collect();
        // Stable: what is equal stays in the order of the lanes.
        lanes.sort_by_key(|&place| (Some(place) != turn, self.lanes[place].weight == 0));
        lanes.into_iter().map(|place| self.lanes[place].lane).collect()
    }

    /// A job was taken, from whichever lane: the turn is over.
    pub(crate) fn turn(&mut self) {
        let Some(turn) = self.next() else { return };
        for spoke in &mut self.lanes {
            spoke.credit += spoke.weight;
        }
        self.lanes[turn].credit -= self.total;
    }

    /// The place of the lane whose turn it is; of equals the first.
    fn next(&self) -> Option<usize> {
        let weighted = self.lanes.iter().enumerate().filter(|(_, spoke)| spoke.weight > 0);
        weighted.rev().max_by_key(|(_, spoke)| spoke.credit + spoke.weight).map(|(place, _)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn turns(weights: LaneWeights, count: usize) -> Vec<Lane> {
        let mut wheel = Wheel::new(weights);
        let mut turns = Vec::new();
        for _ in 0..count {
            turns.push(wheel.order()[0]);
            wheel.turn();
        }
        turns
    }

    #[test]
    fn by_default_new_uploads_pass_backfill_and_bulk_comes_every_fifth_time() {
        let turns = turns(LaneWeights::default(), 19);
        assert_eq!(turns.iter().filter(|lane| **lane == Lane::Bulk).count(), 4);
        assert!(!turns.contains(&Lane::Backfill));
        let longest = turns.split(|lane| *lane == Lane::Bulk).map(<[_]>::len).max();
        assert!(longest <= Some(5), "spread evenly: {turns:?}");
        assert_eq!(Wheel::new(LaneWeights::default()).order(), Lane::ALL);
    }

    #[test]
    fn a_lane_of_new_uploads_has_a_share() {
        for refused in [
            LaneWeights { interactive: 0, ..LaneWeights::default() },
            LaneWeights { bulk: 0, ..LaneWeights::default() },
            LaneWeights { backfill: WEIGHT_MAX + 1, ..LaneWeights::default() },
        ] {
            assert!(matches!(refused.validate(), Err(QueueError::Weights(_))), "{refused:?}");
        }
        assert!(LaneWeights::default().validate().is_ok());
    }

    proptest! {
        /// In any stretch of whole rounds each lane has its share, and in any
        /// stretch at all at most one turn more or less than its share.
        #[test]
        fn each_lane_has_its_share_at_any_time(
            interactive in 1_u16..40, bulk in 1_u16..40, backfill in 0_u16..40, skip in 0_usize..200, length in 1_usize..400,
        ) {
            let weights = LaneWeights { interactive, bulk, backfill };
            let total = f64::from(interactive) + f64::from(bulk) + f64::from(backfill);
            let all = turns(weights, skip + length);
            for lane in Lane::ALL {
                let got = all[skip..].iter().filter(|turn| *turn == lane).count();
                let share = f64::from(u32::try_from(length).unwrap()) * f64::from(weights.of(*lane)) / total;
                let off = (f64::from(u32::try_from(got).unwrap()) - share).abs();
                prop_assert!(off <= 2.0, "{lane:?}: {got} of {length}, its share is {share}");
            }
        }

        /// Whatever lanes are empty at whatever time: a job is never left while a
        /// hand is free, backfill without weight comes last, and a lane that has
        /// jobs gets its share of any stretch in which it has.
        #[test]
        fn empty_lanes_lend_their_turns(
            schedule in proptest::collection::vec((any::<bool>(), any::<bool>()), 1..400),
        ) {
            let weights = LaneWeights::default();
            let mut wheel = Wheel::new(weights);
            let (mut bulk, mut turns) = (0_usize, 0_usize);
            for (has_interactive, has_backfill) in schedule {
                // Bulk always has jobs; the other two come and go.
                let has = |lane: &Lane| match lane {
                    Lane::Interactive => has_interactive,
                    Lane::Bulk => true,
                    Lane::Backfill => has_backfill,
                };
                let taken = wheel.order().into_iter().find(has).unwrap();
                wheel.turn();
                prop_assert!(taken != Lane::Backfill, "a new upload waited behind backfill");
                turns += 1;
                bulk += usize::from(taken == Lane::Bulk);
            }
            prop_assert!(bulk * 19 + 19 >= turns * 4, "{bulk} of {turns}");
        }
    }
}
