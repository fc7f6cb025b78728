//! `heim-coordinator admin lane …`: what is worked on, and what is not for now.

use super::CommandError;
use crate::failure::Failure;
use clap::Subcommand;
use heim_common::{job::Lane, media::UnknownWord};
use heim_db::Database;
use std::str::FromStr;

/// `admin lane …`
#[derive(Clone, Debug, Subcommand)]
pub enum LaneCommand {
    /// Lists the lanes, and which are paused.
    List,
    /// Lets no job of a lane begin any more. What runs goes on, uploads are taken.
    Pause {
        /// Which, or `all`.
        lane: Lanes,
    },
    /// Lets a lane go on.
    Resume {
        /// Which, or `all`.
        lane: Lanes,
    },
}

/// One lane, or all of them: the whole fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// Each.
    All,
    /// This one.
    One(Lane),
}

impl FromStr for Lanes {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        if word == "all" { Ok(Self::All) } else { word.parse().map(Self::One) }
    }
}

impl Lanes {
    fn each(self) -> Vec<Lane> {
        match self {
            Self::All => Lane::ALL.to_vec(),
            Self::One(lane) => vec![lane],
        }
    }
}

/// Carries it out. Coordinators heed it from their next claim and dispatch on: it
/// is in the database, so it outlives every restart.
pub(super) async fn run(command: LaneCommand, db: &Database) -> Result<String, CommandError> {
    match command {
        LaneCommand::List => {}
        LaneCommand::Pause { lane } => {
            for lane in lane.each() {
                db.lane_pause(lane).await.map_err(Failure::from)?;
            }
        }
        LaneCommand::Resume { lane } => {
            for lane in lane.each() {
                db.lane_resume(lane).await.map_err(Failure::from)?;
            }
        }
    }
    let paused = db.lanes_paused().await.map_err(Failure::from)?;
    let line = |lane: &Lane| {
        let state = if paused.contains_key(lane) { "paused" } else { "open" };
        format!("{} {state}\n", lane.as_str())
    };
    Ok(Lane::ALL.iter().map(line).collect())
}
