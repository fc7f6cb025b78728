//! How the lanes are doing, as the command line and the dashboard show it.

use super::Tools;
use crate::failure::Failure;
use heim_common::{Millis, job::Lane};
use heim_db::{LaneDay, LaneDepth, LaneFigures};
use serde::Serialize;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// A lane at this moment, and what it did lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LaneOverview {
    /// Which.
    pub(crate) lane: Lane,
    /// Since when it is paused, if it is.
    pub(crate) paused_since: Option<Millis>,
    /// What it holds.
    #[serde(flatten)]
    pub(crate) depth: LaneDepth,
    /// What it did in the last hour; none where it did nothing.
    pub(crate) hour: Option<LaneFigures>,
    /// The same in the last day.
    pub(crate) day: Option<LaneFigures>,
}

/// What the lanes did in the last hour and day: all together, and part by part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lately {
    /// In the last hour.
    pub(crate) hour: Span,
    /// In the last day.
    pub(crate) day: Span,
}

/// What they did in a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    all: Vec<LaneFigures>,
    /// When it begins, and how long a part is.
    from: Millis,
    part: Duration,
    parts: Vec<LaneFigures>,
}

/// How many parts a time has.
const PARTS: u32 = 60;

impl Span {
    async fn count(tools: Tools<'_>, now: Millis, time: Duration) -> Result<Self, Failure> {
        let part = time / PARTS;
        let all = tools.db.lane_figures(now, time, time).await?;
        let parts = tools.db.lane_figures(now, time, part).await?;
        Ok(Self { all, from: now.before(time), part, parts })
    }

    /// What a lane did in all of it; none where it did nothing.
    pub(crate) fn of(&self, lane: Lane) -> Option<LaneFigures> {
        self.all.iter().find(|figures| figures.lane == lane).copied()
    }

    /// One figure of a lane in each part; none where it did nothing.
    pub(crate) fn parts(&self, lane: Lane, figure: impl Fn(&LaneFigures) -> Option<u64>) -> Vec<Option<u64>> {
        let mut parts = vec![None; PARTS as usize];
        for figures in self.parts.iter().filter(|figures| figures.lane == lane) {
            let since = u128::try_from(figures.from.0 - self.from.0).unwrap_or(0);
            let place = usize::try_from(since / self.part.as_millis().max(1)).unwrap_or(usize::MAX);
            if let Some(part) = parts.get_mut(place) {
                *part = figure(figures);
            }
        }
        parts
    }
}

/// All lanes.
pub(crate) async fn lanes(tools: Tools<'_>) -> Result<Vec<LaneOverview>, Failure> {
    lanes_now(tools, &lately(tools).await?).await
}

/// What the lanes did lately.
pub(crate) async fn lately(tools: Tools<'_>) -> Result<Lately, Failure> {
    let now = tools.db.now().await?;
    Ok(Lately { hour: Span::count(tools, now, HOUR).await?, day: Span::count(tools, now, DAY).await? })
}

/// All lanes as they are now, with what they did lately.
pub(crate) async fn lanes_now(tools: Tools<'_>, lately: &Lately) -> Result<Vec<LaneOverview>, Failure> {
    let (paused, depths) = (tools.db.lanes_paused().await?, tools.db.lane_depths().await?);
    let overview = |(lane, depth)| LaneOverview {
        lane,
        paused_since: paused.get(&lane).copied(),
        depth,
        hour: lately.hour.of(lane),
        day: lately.day.of(lane),
    };
    Ok(depths.into_iter().map(overview).collect())
}

/// Days as they are listed: the newest first, and in each the lanes in their order.
pub(crate) fn newest_first(days: &[LaneDay]) -> Vec<LaneDay> {
    days.chunks(Lane::ALL.len()).rev().flatten().copied().collect()
}
