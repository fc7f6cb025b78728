//! What is in the store, and nobody's.

use super::BATCH;
use crate::{app::App, failure::Failure, retention::set};
use futures_util::{StreamExt, TryStreamExt};
use heim_common::{MediaId, key::ObjectKey};
use heim_db::{Database, Holding, StrayKind};
use heim_runtime::{failpoint, telemetry::chain};
use heim_store::{Leftover, Store};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

/// What a check of the store writes; it lives for a moment.
const PROBES: &str = "probe/";

/// Removes objects that no row has named for `retention.orphans_kept_s`.
pub(super) async fn orphans(app: &App) -> Result<(), Failure> {
    let kept = Duration::from_secs(app.settings.retention.orphans_kept_s);
    let (began, mut all, mut foreign) = (app.db.now().await?, 0, 0);
    let mut keys = app.store.keys().try_chunks(BATCH);
    while let Some(some) = keys.next().await {
        let some = some.map_err(|error| error.1)?;
        all += some.len() as u64;
        let ids: HashSet<MediaId> = some.iter().filter_map(ObjectKey::media).collect();
        let holdings = app.db.holdings(&ids.into_iter().collect::<Vec<_>>()).await?;
        foreign += some.iter().filter(|key| !is_ours(key)).count() as u64;
        let orphaned = some.into_iter().filter(|key| is_orphan(key, &holdings));
        let orphaned: HashMap<String, ObjectKey> = orphaned.map(|key| (key.as_str().to_owned(), key)).collect();
        let names: Vec<_> = orphaned.keys().cloned().collect();
        for name in app.db.strays_note(StrayKind::Orphan, &names, kept).await? {
            if let Some(key) = orphaned.get(&name) {
                remove_orphan(&app.db, &app.store, key).await?;
            }
        }
    }
    // Only who has seen all of the store knows what is not there any more.
    app.db.strays_trim(StrayKind::Orphan, began).await?;
    set("heim_store_objects", "all", all);
    set("heim_store_objects", "foreign", foreign);
    Ok(())
}

/// Whether an object is of this project's making. Others may share a bucket.
fn is_ours(key: &ObjectKey) -> bool {
    key.media().is_some() || key.as_str().starts_with(PROBES)
}

fn is_orphan(key: &ObjectKey, holdings: &HashMap<MediaId, Holding>) -> bool {
    if !is_ours(key) {
        return false;
    }
    let Some(Holding { is_gone, is_worked_on, keys }) = key.media().and_then(|media| holdings.get(&media)) else {
        return true;
    };
    // What is given up has a sweep of its own. What a worker has stored is
    // registered in a moment, or stored again by the next who has the job.
    let is_awaited = *is_worked_on && !key.is_original();
    !is_gone && !is_awaited && !keys.contains(key)
}

/// Whether no row names an object at this moment.
pub(crate) async fn is_still_orphan(db: &Database, key: &ObjectKey) -> Result<bool, Failure> {
    let ids: Vec<_> = key.media().into_iter().collect();
    Ok(is_orphan(key, &db.holdings(&ids).await?))
}

/// Removes an object that no row names; says whether that was done.
pub(crate) async fn remove_orphan(db: &Database, store: &Store, key: &ObjectKey) -> Result<bool, Failure> {
    // Asked once more: to remove many takes long.
    if !is_still_orphan(db, key).await? {
        return Ok(false);
    }
    if let Err(error) = store.delete(key).await {
        tracing::warn!(%key, error = chain(&error), "cannot remove an object that no row names");
        return Ok(false);
    }
    failpoint!(OrphanRemoved);
    tracing::info!(%key, "an object that no row names is removed");
    metrics::counter!("heim_store_removed_total", "state" => "orphaned").increment(1);
    db.strays_forget(&[key.as_str().to_owned()]).await?;
    Ok(true)
}

/// Removes writes that are not ended since `retention.unfinished_kept_s`, and
/// folders that are empty for so long.
pub(super) async fn unfinished(app: &App) -> Result<(), Failure> {
    let kept = Duration::from_secs(app.settings.retention.unfinished_kept_s);
    let began = app.db.now().await?;
    let mut leftovers = app.store.leftovers().try_chunks(BATCH);
    while let Some(some) = leftovers.next().await {
        let some = some.map_err(|error| error.1)?;
        let found: HashMap<String, Leftover> = some.into_iter().map(|one| (one.name(), one)).collect();
        let names: Vec<_> = found.keys().cloned().collect();
        for name in app.db.strays_note(StrayKind::Unfinished, &names, kept).await? {
            let Some(leftover) = found.get(&name) else { continue };
            match app.store.remove_leftover(leftover).await {
                Ok(()) => {
                    metrics::counter!("heim_store_removed_total", "state" => "unfinished").increment(1);
                    app.db.strays_forget(&[name]).await?;
                }
                Err(error) => tracing::warn!(name, error = chain(&error), "cannot remove what a write has left"),
            }
        }
    }
    Ok(app.db.strays_trim(StrayKind::Unfinished, began).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::Snowflake;

    #[test]
    fn an_object_is_nobodys_where_no_row_names_it_and_nobody_is_about_to() {
        let media: MediaId = "0c1ofy7941g5c".parse().unwrap();
        let name = "thumb-320".parse().unwrap();
        let (original, late) = (ObjectKey::original(media, Snowflake(1)), ObjectKey::original(media, Snowflake(2)));
        let thumb = ObjectKey::transcoding(media, &name, 1);
        let of = |holding: Holding| HashMap::from([(media, holding)]);
        let named = || Holding { keys: HashSet::from([original.clone()]), ..Holding::default() };
        let rows = of(named());
        assert!(!is_orphan(&original, &rows) && is_orphan(&late, &rows) && is_orphan(&thumb, &rows));
        let rows = of(Holding { is_worked_on: true, ..named() });
        assert!(!is_orphan(&original, &rows) && is_orphan(&late, &rows) && !is_orphan(&thumb, &rows));
        let rows = of(Holding { is_gone: true, ..Holding::default() });
        assert!(!is_orphan(&late, &rows) && !is_orphan(&thumb, &rows));
        let nothing = HashMap::new();
        assert!(is_orphan(&original, &nothing) && is_orphan(&thumb, &nothing));
        assert!(is_orphan(&ObjectKey::from_stored("probe/00".into()), &nothing));
        for foreign in ["backup.tar", "media/README", "other/0c1ofy/0c1ofy7941g5c/original.1"] {
            assert!(!is_orphan(&ObjectKey::from_stored(foreign.into()), &nothing), "{foreign}");
        }
    }
}
