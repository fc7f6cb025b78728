//! `heim-coordinator admin lane …`: what is worked on, and what is not for now.

use super::CommandError;
use crate::admin::{
    Tools, newest_first,
    overview::{LaneOverview, lanes},
    said::{Said, at, json, lasting, or_dash, table},
};
use clap::Subcommand;
use heim_common::{job::Lane, media::UnknownWord};
use heim_db::{DAYS_MAX, LaneDay, Quantiles};
use serde_json::json;
use std::str::FromStr;

/// `admin lane …`
#[derive(Clone, Debug, Subcommand)]
pub enum LaneCommand {
    /// Lists the lanes: which are paused, how deep each is, and what it did lately.
    List,
    /// Says how many jobs of each lane were done and failed, by the day of UTC, the newest
    /// first.
    Days {
        /// How many days, of which today is the first.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=i64::from(DAYS_MAX)))]
        days: u16,
    },
    /// Lets no job of a lane begin any more. What runs goes on, uploads are taken.
    Pause {
        /// Which, or `all`.
        lane: Lanes,
        /// Says which lanes would be paused.
        #[arg(long)]
        dry_run: bool,
    },
    /// Lets a lane go on.
    Resume {
        /// Which, or `all`.
        lane: Lanes,
        /// Says which lanes would go on.
        #[arg(long)]
        dry_run: bool,
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

    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::One(lane) => lane.as_str(),
        }
    }
}

pub(super) async fn run(command: LaneCommand, tools: Tools<'_>) -> Result<Said, CommandError> {
    match command {
        LaneCommand::List => Ok(list(&lanes(tools).await?)),
        LaneCommand::Days { days } => Ok(by_day(&tools.db.lane_days(days).await?)),
        LaneCommand::Pause { lane, dry_run } => set(tools, lane, true, dry_run).await,
        LaneCommand::Resume { lane, dry_run } => set(tools, lane, false, dry_run).await,
    }
}

/// Coordinators heed it from their next claim and dispatch on: it is in the database,
/// so it outlives every restart.
async fn set(tools: Tools<'_>, meant: Lanes, pause: bool, dry_run: bool) -> Result<Said, CommandError> {
    let changed = crate::admin::set_lanes(tools, &meant.each(), meant.word(), pause, dry_run).await?;
    let words: Vec<_> = changed.iter().map(|lane| lane.as_str()).collect();
    let would = if dry_run { "would be " } else { "" };
    let verb = if pause { "paused" } else { "resumed" };
    let text = if words.is_empty() {
        format!("nothing {would}{verb}: it was so already\n")
    } else {
        format!("{would}{verb}: {}\n", words.join(", "))
    };
    Ok(Said::new(text, json!({ "dry_run": dry_run, "paused": pause, "changed": changed, "count": changed.len() })))
}

fn by_day(all: &[LaneDay]) -> Said {
    let row = |day: &LaneDay| {
        let LaneDay { lane, from, done, failed } = *day;
        [at(from)[..10].to_owned(), lane.as_str().to_owned(), done.to_string(), failed.to_string()]
    };
    let days = newest_first(all);
    let rows: Vec<_> = days.iter().map(row).collect();
    Said::new(table(["day", "lane", "done", "failed"], &rows), json!({ "days": json(&days) }))
}

fn list(all: &[LaneOverview]) -> Said {
    let took = |took: Option<Quantiles>| took.map(|took| format!("{} {}", took.p50, took.p95));
    let row = |lane: &LaneOverview| {
        let hour = lane.hour;
        [
            lane.lane.as_str().to_owned(),
            lane.paused_since.map_or_else(|| "open".to_owned(), |since| format!("paused since {}", at(since))),
            lane.depth.pending.to_string(),
            lane.depth.running.to_string(),
            or_dash(lane.depth.oldest_ms.map(|ms| lasting(i64::try_from(ms).unwrap_or(i64::MAX)))),
            or_dash(hour.map(|hour| hour.arrived)),
            or_dash(hour.map(|hour| hour.done)),
            or_dash(hour.map(|hour| hour.failed)),
            or_dash(hour.and_then(|hour| took(hour.wait_ms))),
            or_dash(hour.and_then(|hour| took(hour.run_ms))),
        ]
    };
    let headings = [
        "lane",
        "state",
        "pending",
        "running",
        "oldest",
        "in/h",
        "done/h",
        "failed/h",
        "wait p50 p95 ms",
        "run p50 p95 ms",
    ];
    let rows: Vec<_> = all.iter().map(row).collect();
    Said::new(table(headings, &rows), json!({ "lanes": json(all) }))
}
