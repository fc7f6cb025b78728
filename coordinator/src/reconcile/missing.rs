//! Rows whose object is not in the store: somebody deleted it behind our back,
//! or the store has lost it.

use super::BATCH;
use crate::{app::App, failure::Failure, rooms};
use futures_util::{StreamExt, TryStreamExt, stream};
use heim_common::{MediaId, Millis};
use heim_db::{Named, Remedy, StrayKind};
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Rows that one comparison looks at, the next goes on from there: so that it is
/// over at some time, however many there are.
const ROWS_MAX: usize = 20_000;
/// Objects that are asked for at once.
const AT_ONCE: usize = 8;

/// How far the comparisons of this process have come with the rows.
#[derive(Debug, Default)]
pub(crate) struct Place(Mutex<Round>);

/// One look at all rows.
#[derive(Clone, Debug, Default)]
struct Round {
    /// When it began, by the database's clock.
    began: Option<Millis>,
    /// The row up to which it came.
    row: Option<Named>,
}

impl Place {
    fn get(&self) -> Round {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, round: Round) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = round;
    }
}

/// Looks for the objects of as many rows as are to be looked at in one go.
pub(super) async fn look(app: &App, place: &Place) -> Result<(), Failure> {
    let kept = Duration::from_secs(app.settings.retention.orphans_kept_s);
    let mut looked = 0;
    let mut round = place.get();
    let began = match round.began {
        Some(began) => began,
        None => app.db.now().await?,
    };
    while looked < ROWS_MAX {
        let some = app.db.transcodings_page(round.row.as_ref(), BATCH as u64).await?;
        let Some(last) = some.last().cloned() else {
            place.set(Round::default());
            // Only who has seen all rows knows which are not there any more.
            return Ok(app.db.strays_trim(StrayKind::Missing, began).await?);
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
        let missing = still_named(app, missing.into_iter().map(|(row, _)| row).collect()).await?;
        mend(app, &missing, kept).await?;
        round = Round { began: Some(began), row: Some(last) };
        place.set(round.clone());
    }
    Ok(())
}

/// Those of these rows that are there still, by name: what is given up while it is
/// looked for is not missing.
async fn still_named(app: &App, missing: Vec<Named>) -> Result<HashMap<String, Named>, Failure> {
    let ids: HashSet<MediaId> = missing.iter().map(|row| row.media).collect();
    let holdings = app.db.holdings(&ids.into_iter().collect::<Vec<_>>()).await?;
    let is_named = |row: &Named| {
        holdings.get(&row.media).is_some_and(|holding| !holding.is_gone && holding.keys.contains(&row.key))
    };
    Ok(missing.into_iter().filter(is_named).map(|row| (name(&row), row)).collect())
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
