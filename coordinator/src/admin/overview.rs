//! How the lanes are doing, as the command line and the dashboard show it.

use super::Tools;
use crate::failure::Failure;
use heim_common::{Millis, job::Lane};
use heim_db::{LaneDepth, LaneFigures};
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

/// All lanes.
pub(crate) async fn lanes(tools: Tools<'_>) -> Result<Vec<LaneOverview>, Failure> {
    let (now, paused) = (tools.db.now().await?, tools.db.lanes_paused().await?);
    let depths = tools.db.lane_depths().await?;
    let hour = tools.db.lane_figures(now, HOUR, HOUR).await?;
    let day = tools.db.lane_figures(now, DAY, DAY).await?;
    let of = |figures: &[LaneFigures], lane| figures.iter().find(|figures| figures.lane == lane).copied();
    let overview = |(lane, depth)| LaneOverview {
        lane,
        paused_since: paused.get(&lane).copied(),
        depth,
        hour: of(&hour, lane),
        day: of(&day, lane),
    };
    Ok(depths.into_iter().map(overview).collect())
}
