//! All objects, a few at a time.

use super::progress::{Done, Progress};
use crate::failure::Failure;
use futures_util::{StreamExt, TryStreamExt, stream};
use heim_common::{MediaId, key::ObjectKey};
use heim_db::Database;
use heim_runtime::failpoint;
use heim_store::{Movable, Moved, Moving, NotMoved, Store, StoreError, Trial};
use std::collections::HashSet;

/// Objects whose rows are asked for at once.
const BATCH: usize = 256;

/// How objects are brought over, or only looked at.
pub(super) enum Over {
    Moving(Moving),
    Trial(Trial),
}

impl Over {
    fn from(&self) -> &Store {
        match self {
            Self::Moving(moving) => &moving.from,
            Self::Trial(trial) => &trial.from,
        }
    }

    async fn bring(&self, object: &Movable) -> Result<Moved, NotMoved> {
        match self {
            Self::Moving(moving) => moving.move_one(object).await,
            Self::Trial(trial) => trial.try_one(object).await,
        }
    }
}

/// Copies all that is heim-media's, and says what was done, or would be. Objects that
/// fail are counted, and keep no other from being copied.
///
/// # Errors
/// If the first store cannot be listed, or the database does not answer.
pub(super) async fn migrate(db: &Database, over: &Over, at_once: usize) -> Result<Done, Failure> {
    // Once only to count, so that somebody who waits knows how long.
    let (mut ours, mut foreign) = (0, 0);
    let mut all = over.from().objects();
    while let Some((key, _)) = all.try_next().await? {
        *(if key.media().is_some() { &mut ours } else { &mut foreign }) += 1;
    }
    let mut progress = Progress::of(ours, foreign, matches!(over, Over::Trial(_)));
    let batches = ours_of(over.from()).try_chunks(BATCH).map_err(|error| Failure::from(error.1));
    let objects = batches
        .and_then(|batch| with_digests(db, batch))
        .map_ok(|batch| stream::iter(batch).map(Ok::<_, Failure>))
        .try_flatten();
    let moved = objects.map_ok(async |object| {
        let moved = over.bring(&object).await;
        failpoint!(ObjectMoved);
        Ok((object, moved))
    });
    let mut moved = std::pin::pin!(moved.try_buffer_unordered(at_once));
    while let Some((Movable { key, size, .. }, moved)) = moved.try_next().await? {
        progress.add(key, size, moved);
    }
    Ok(progress.end())
}

/// What a check of the store writes lives for a moment, and what others keep in
/// a bucket is not ours to copy.
fn ours_of(store: &Store) -> impl stream::Stream<Item = Result<(ObjectKey, u64), StoreError>> + use<> {
    store.objects().try_filter(|(key, _)| std::future::ready(key.media().is_some()))
}

/// What rows say of the bytes: of an original that is stored as it was uploaded.
async fn with_digests(db: &Database, batch: Vec<(ObjectKey, u64)>) -> Result<Vec<Movable>, Failure> {
    let ids: HashSet<MediaId> = batch.iter().filter_map(|(key, _)| key.media()).collect();
    let digests = db.digests(&ids.into_iter().collect::<Vec<_>>()).await?;
    let movable = |(key, size)| Movable { sha256: digests.get(&key).copied(), key, size };
    Ok(batch.into_iter().map(movable).collect())
}
