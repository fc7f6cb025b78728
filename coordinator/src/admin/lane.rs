//! Pausing lanes, and letting them go on.

use super::Tools;
use crate::failure::Failure;
use heim_common::job::Lane;

/// Pauses or resumes lanes; returns those of which that changed something, or would.
/// `subject` is what the audit calls them.
pub(crate) async fn set_lanes(
    tools: Tools<'_>,
    lanes: &[Lane],
    subject: &str,
    pause: bool,
    dry_run: bool,
) -> Result<Vec<Lane>, Failure> {
    let work = async {
        let paused = tools.db.lanes_paused().await?;
        let mut changed = Vec::new();
        for lane in lanes.iter().copied() {
            let is_other = match (dry_run, pause) {
                (true, _) => paused.contains_key(&lane) != pause,
                (false, true) => tools.db.lane_pause(lane).await?,
                (false, false) => tools.db.lane_resume(lane).await?,
            };
            changed.extend(is_other.then_some(lane));
        }
        if !dry_run && !pause {
            tools.voice.ring();
        }
        let count = changed.len() as u64;
        Ok((changed, count))
    };
    tools.audited(if pause { "lane pause" } else { "lane resume" }, subject, dry_run, work).await
}
