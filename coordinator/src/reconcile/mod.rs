//! Store and rows are compared, and what does not fit together is mended.
//!
//! ```text
//! an object that no row names ───────┐
//! a write that nobody ended ─────────┼─▶ noted, counted ─ kept ─▶ removed
//! an empty folder ───────────────────┘
//! a row whose object is missing ───────▶ noted, alarm ─── kept ─▶ made again, or failed
//! ```
//! A coordinator that died in an upload leaves the first two, and so does a
//! commit whose answer was lost. Nothing is done about them at first sight: an
//! upload may be between its last byte and its commit, a backup may have been
//! restored, the wrong folder opened. Any number of coordinators may compare at
//! once; what one does is nothing to do for the next. What cannot be mended now
//! does not keep the rest from it.

mod missing;
mod strays;

pub(crate) use missing::Place;
pub(crate) use strays::{is_still_orphan, remove_orphan};

use crate::{app::App, failure::Failure};
use heim_db::StrayKind;

/// Names in one statement, and objects looked at in one go.
const BATCH: usize = 256;

/// Compares once. `place` is how far the last one came with the rows.
pub(crate) async fn reconcile(app: &App, place: &Place) -> Result<(), Failure> {
    // One that fails does not keep the others from their work.
    let orphans = strays::orphans(app).await;
    let unfinished = strays::unfinished(app).await;
    let missing = missing::look(app, place).await;
    for (kind, state) in
        [(StrayKind::Orphan, "orphaned"), (StrayKind::Unfinished, "unfinished"), (StrayKind::Missing, "missing")]
    {
        crate::retention::set("heim_store_objects", state, app.db.strays_count(kind).await?);
    }
    orphans.and(unfinished).and(missing)
}
