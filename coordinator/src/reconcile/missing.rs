//! Rows whose object is not in the store: somebody deleted it behind our back,
//! or the store has lost it.

use super::BATCH;
use crate::{app::App, failure::Failure, rooms};
use futures_util::{StreamExt, TryStreamExt, stream};
use heim_db::{Named, Remedy, StrayKind};
use std::{collections::HashMap, sync::Mutex, sync::PoisonError, time::Duration};

/// Rows that one comparison looks at, the next goes on from there: so that it is
/// over at some time, however many there are.
const ROWS_MAX: usize = 20_000;
/// Objects that are asked for at once.
const AT_ONCE: usize = 8;

/// The row up to which the last comparison came; none at the begin.
#[derive(Debug, Default)]
pub(crate) struct Place(Mutex<Option<Named>>);

impl Place {
    fn get(&self) -> Option<Named> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, row: Option<Named>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = row;
    }
}

/// Looks for the objects of as many rows as are to be looked at in one go.
pub(super) async fn look(app: &App, place: &Place) -> Result<(), Failure> {
    let kept = Duration::from_secs(app.settings.retention.orphans_kept_s);
    let mut looked = 0;
    while looked < ROWS_MAX {
        let some = app.db.transcodings_page(place.get().as_ref(), BATCH as u64).await?;
        let Some(last) = some.last().cloned() else {
            place.set(None);
            return Ok(());
        };
        looked += some.len();
        let there = some.into_iter().map(async |row| {
            let is_there = app.store.size(&row.key, false).await?.is_some();
            Ok::<_, Failure>((row, is_there))
        });
        let there: Vec<_> = stream::iter(there).buffered(AT_ONCE).try_collect().await?;
        let (there, missing): (Vec<_>, Vec<_>) = there.into_iter().partition(|(_, is_there)| *is_there);
        let names: Vec<_> = there.iter().map(|(row, _)| name(row)).collect();
        app.db.strays_forget(&names).await?;
        let missing: HashMap<String, Named> = missing.into_iter().map(|(row, _)| (name(&row), row)).collect();
        mend(app, &missing, kept).await?;
        place.set(Some(last));
    }
    Ok(())
}

/// Never the name of an object that no row names.
fn name(row: &Named) -> String {
    format!("row:{}", row.key)
}

async fn mend(app: &App, missing: &HashMap<String, Named>, kept: Duration) -> Result<(), Failure> {
    for Named { media, name, key } in missing.values() {
        tracing::error!(%media, name, %key, "a row's object is not in the store");
    }
    let names: Vec<_> = missing.keys().cloned().collect();
    for known in app.db.strays_note(StrayKind::Missing, &names, kept).await? {
        let Some(row) = missing.get(&known) else { continue };
        let remedy = app.db.transcoding_lost(row).await?;
        match remedy {
            // The original's row stays, and so does the alarm.
            Remedy::Nothing => continue,
            Remedy::Failed(failed) => {
                rooms::announce_expired(app, failed).await;
                continue;
            }
            Remedy::MadeAgain => app.bell.ring(),
            Remedy::Removed => {}
        }
        metrics::counter!("heim_store_lost_total").increment(1);
        app.db.strays_forget(&[known]).await?;
    }
    Ok(())
}
