//! Reading an encrypted object from the store: its header, and of its chunks
//! those that are wanted.

use super::{
    file_key::FileKey,
    format::{HEADER_BYTES, Layout, salt},
    open::Opener,
};
use crate::{
    Body, StoreError,
    stored::{self, ATTEMPT, Chunks, aside, read_file},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use heim_common::ObjectSecret;
use object_store::{
    GetOptions, GetRange, GetResult, GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt, path::Path,
};
use std::{fs::File, ops::Range};

/// How much of a file is read at a time: whole chunks, so that none has to be
/// put together from two reads.
const HOP_CHUNKS: u64 = 4;

/// Reads an object, or the part of `range` that it has. When this returns, the
/// first chunk that is wanted has been opened.
pub(crate) async fn read(
    objects: &dyn ObjectStore,
    path: &Path,
    secret: &ObjectSecret,
    range: Option<Range<u64>>,
) -> Result<Body, StoreError> {
    let Found { meta, header, file } = find(objects, path).await?;
    let salt = salt(&header).ok_or(StoreError::Tampered)?;
    let layout = Layout::of_stored(meta.size).ok_or(StoreError::Tampered)?;
    let total = layout.size();
    let range = match range {
        Some(range) if range.is_empty() || range.start >= total => return Err(StoreError::OutOfRange { size: total }),
        Some(range) => range.start..range.end.min(total),
        None => 0..total,
    };
    let opener = Opener::new(FileKey::derive(secret, &salt, path.as_ref()), layout, range.clone());
    let mut chunks = match file {
        Some(file) => opened_file(file, opener),
        None => opened(request(objects, path, meta, opener.needs()).await?, opener),
    };
    let first = chunks.try_next().await?;
    Ok(Body::new(total, range, stream::iter(first.map(Ok)).chain(chunks).boxed()))
}

/// An object whose header was read.
struct Found {
    meta: ObjectMeta,
    /// Shorter in an object that is no encrypted one.
    header: Vec<u8>,
    /// Where the object is a file. The rest is read from the very same, since
    /// another that takes its name meanwhile has another salt.
    file: Option<File>,
}

async fn find(objects: &dyn ObjectStore, path: &Path) -> Result<Found, StoreError> {
    let GetResult { meta, payload, .. } = match get(objects, path, 0..HEADER_BYTES as u64, None).await {
        Ok(found) => found,
        // No range of an empty object can be had, and each store says so in
        // words of its own.
        Err(StoreError::Unavailable { .. }) if objects.head(path).await.is_ok_and(|meta| meta.size == 0) => {
            return Err(StoreError::Tampered);
        }
        Err(error) => return Err(error),
    };
    match payload {
        GetResultPayload::File(mut file, _) => {
            let bytes = 0..meta.size.min(HEADER_BYTES as u64);
            let (header, file) = aside(move || Ok((read_file(&mut file, bytes)?, file))).await?;
            Ok(Found { meta, header, file: Some(file) })
        }
        GetResultPayload::Stream(chunks) => {
            let header = stored::sent(chunks).try_collect::<Vec<_>>().await?.concat();
            Ok(Found { meta, header, file: None })
        }
    }
}

/// Asks another machine for the chunks. If the object was replaced since its
/// header was read, that is an error: it may be tried again.
async fn request(
    objects: &dyn ObjectStore,
    path: &Path,
    meta: ObjectMeta,
    range: Range<u64>,
) -> Result<Chunks, StoreError> {
    // Such a store gives no file: there was none with the header either.
    Ok(stored::sent(get(objects, path, range, meta.e_tag).await?.into_stream()))
}

async fn get(
    objects: &dyn ObjectStore,
    path: &Path,
    range: Range<u64>,
    if_match: Option<String>,
) -> Result<GetResult, StoreError> {
    let options = GetOptions { range: Some(GetRange::Bounded(range)), if_match, ..GetOptions::default() };
    objects.get_opts(path, options).await.map_err(|error| StoreError::failed(ATTEMPT, error))
}

/// The plaintext of a file. It is decrypted where it is read, while it is in
/// that processor's cache.
fn opened_file(file: File, opener: Opener) -> Chunks {
    stored::ahead((file, opener), |(mut file, mut opener)| match read_file(&mut file, opener.needs_next(HOP_CHUNKS)) {
        Ok(stored) => (opener.open(stored.into()), (!opener.is_done()).then_some((file, opener))),
        Err(error) => (vec![Err(error)], None),
    })
}

/// The plaintext of chunks that another machine sends.
fn opened(stored: Chunks, opener: Opener) -> Chunks {
    let hops = stream::try_unfold((stored, opener), async |(mut stored, mut opener)| {
        if opener.is_done() {
            return Ok(None);
        }
        let sent = stored.try_next().await?.ok_or(StoreError::Tampered)?;
        Ok(Some((stream::iter(opener.open(sent)), (stored, opener))))
    });
    hops.try_flatten().boxed()
}

/// Stores on other machines send streams, where the local one has files.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::seal;
    use object_store::memory::InMemory;

    const KEY: &str = "media/a/original";

    async fn read_all(objects: &InMemory, range: Option<Range<u64>>) -> Result<(u64, Vec<u8>), StoreError> {
        let body = read(objects, &Path::from(KEY), &ObjectSecret::new([7; 32]), range).await?;
        Ok((body.total(), body.try_collect::<Vec<_>>().await?.concat()))
    }

    #[tokio::test]
    async fn an_object_that_is_sent_reads_as_one_of_a_file() {
        let objects = InMemory::new();
        let plaintext: Vec<u8> = (0..=250).cycle().take(200_000).collect();
        let file = seal(&ObjectSecret::new([7; 32]), &[9; 32], KEY, &plaintext);
        objects.put(&Path::from(KEY), file.clone().into()).await.unwrap();
        assert_eq!(read_all(&objects, None).await.unwrap(), (200_000, plaintext.clone()));
        for range in [0..1, 65_535..65_537, 150_000..200_000] {
            let wanted = &plaintext[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            assert_eq!(read_all(&objects, Some(range)).await.unwrap(), (200_000, wanted.to_vec()));
        }
        for short in [0, 1, 39, 40, 56, 199_000] {
            objects.put(&Path::from(KEY), file.slice(..short).into()).await.unwrap();
            assert!(read_all(&objects, None).await.unwrap_err().is_tampered(), "{short}");
        }
        objects.delete(&Path::from(KEY)).await.unwrap();
        assert!(read_all(&objects, None).await.unwrap_err().is_not_found());
    }

    #[tokio::test]
    async fn an_object_that_was_replaced_between_header_and_chunks_is_not_mixed() {
        let objects = InMemory::new();
        objects.put(&Path::from(KEY), vec![1; 100].into()).await.unwrap();
        let Found { meta, .. } = find(&objects, &Path::from(KEY)).await.unwrap();
        objects.put(&Path::from(KEY), vec![2; 100].into()).await.unwrap();
        let error = request(&objects, &Path::from(KEY), meta, 40..100).await.err().unwrap();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
}
