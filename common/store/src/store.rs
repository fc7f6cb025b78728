//! The handle: everything but streaming in ([`Writer`]) and out ([`Body`]).

use crate::{
    Body, Presented, Presigned, StoreConfig, StoreError, Writer,
    gathering::Gathering,
    opened::{self, Backing, Opened},
    sealed,
};
use bytes::{Bytes, BytesMut};
use futures_util::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use heim_common::{ObjectSecret, key::ObjectKey};
use http::Method;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, path::Path};
use std::{fmt, ops::Range, sync::Arc};

/// An open store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// How much a [`Writer`] gathers before it writes.
    pub(crate) part_bytes: usize,
    pub(crate) backing: Backing,
    /// Where objects are that are not here, or not yet.
    pub(crate) fallback: Option<Arc<Store>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The inner store would show its folder.
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

pub(crate) fn path(key: &ObjectKey) -> Result<Path, StoreError> {
    let path = Path::parse(key.as_str()).map_err(|error| StoreError::Key(error.into()))?;
    // `parse` trims slashes; a key that changes on the way is not a key.
    if path.as_ref().is_empty() || path.as_ref() != key.as_str() {
        return Err(StoreError::Key("empty, or with a slash at an end".into()));
    }
    Ok(path)
}

impl Store {
    /// Opens the store and makes its folder where there is none.
    ///
    /// # Errors
    /// If the URL is not one of this release, or the folder cannot be used.
    pub fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        config.validate_folder()?;
        let fallback = match config.fallback_url.as_str() {
            "" => None,
            url if url == config.url => return Err(StoreError::Config("store.fallback_url is store.url itself")),
            url => Some(Arc::new(Self::open_at(config, url)?)),
        };
        Ok(Self { fallback, ..Self::open_at(config, &config.url)? })
    }

    /// Opens the one store of this URL, and reads of it what the configuration
    /// says of servers.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_at(config: &StoreConfig, url: &str) -> Result<Self, StoreError> {
        let Opened { objects, part_bytes, backing } = opened::open(config, url)?;
        Ok(Self { objects, part_bytes, backing, fallback: None })
    }

    /// The same, but a folder that is not there is not made: `None`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn find_at(config: &StoreConfig, url: &str) -> Result<Option<Self>, StoreError> {
        if opened::is_missing_folder(url) { Ok(None) } else { Self::open_at(config, url).map(Some) }
    }

    /// Begins an object that is written as it comes. Nothing is visible, nor
    /// on disk, before [`Writer::finish`]; then it replaces what was there.
    ///
    /// # Errors
    /// If the key has no form of a key, or the store cannot be written to.
    pub async fn writer(&self, key: &ObjectKey, secret: Option<&ObjectSecret>) -> Result<Writer, StoreError> {
        let path = path(key)?;
        let syncing = match &self.backing {
            Backing::Folder(folders) => {
                let made = folders.make(path.as_ref()).await;
                Some(made.map_err(|error| StoreError::failed("make a folder", error))?)
            }
            Backing::Bucket(_) => None,
        };
        let part = match secret {
            Some(secret) => Gathering::Sealed(sealed::Sealer::new(secret, &rand::random(), path.as_ref()).into()),
            None => Gathering::Plain(BytesMut::new()),
        };
        Ok(Writer::new(self.clone(), path, part, syncing))
    }

    /// Stores a whole object, in place of what was there.
    ///
    /// # Errors
    /// If it could not be written, [`StoreError::Full`] among them.
    pub async fn put(&self, key: &ObjectKey, secret: Option<&ObjectSecret>, bytes: Bytes) -> Result<(), StoreError> {
        let path = path(key)?;
        let bytes = match secret {
            Some(secret) => sealed::seal(secret, &rand::random(), path.as_ref(), &bytes),
            None => bytes,
        };
        self.is_there().await?;
        let put = self.objects.put(&path, bytes.into()).await;
        put.map(drop).map_err(|error| StoreError::failed("write an object", error))
    }

    /// Bytes of an object's plaintext, or `None` where there is no object. Of
    /// an encrypted one this is what the size of its file says: nothing is
    /// read, and so nothing is proved.
    ///
    /// # Errors
    /// If the store could not tell, or no encrypted object is of that size.
    pub async fn size(&self, key: &ObjectKey, is_sealed: bool) -> Result<Option<u64>, StoreError> {
        let here = self.size_here(key, is_sealed).await?;
        match &self.fallback {
            Some(fallback) if here.is_none() => fallback.size_here(key, is_sealed).await,
            _ => Ok(here),
        }
    }

    async fn size_here(&self, key: &ObjectKey, is_sealed: bool) -> Result<Option<u64>, StoreError> {
        let head = self.objects.head(&path(key)?).await;
        match head.map_err(|error| StoreError::failed("look at an object", error)) {
            Ok(meta) if is_sealed => sealed::plaintext_bytes(meta.size).ok_or(StoreError::Tampered).map(Some),
            Ok(meta) => Ok(Some(meta.size)),
            Err(StoreError::NotFound) => self.is_there().await.map(|()| None),
            Err(error) => Err(error),
        }
    }

    /// Whether an object that is not found is missing, and not the whole store.
    async fn is_there(&self) -> Result<(), StoreError> {
        match &self.backing {
            Backing::Folder(folders) => {
                folders.check().await.map_err(|error| StoreError::failed("find its folder", error))
            }
            Backing::Bucket(_) => Ok(()),
        }
    }

    /// Reads an object, or the part of `range` that it has. `range`, and all
    /// that the [`Body`] says, are about the plaintext.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is none, [`StoreError::OutOfRange`]
    /// where the range holds no byte of it, [`StoreError::Tampered`] where the
    /// first byte that is wanted cannot be believed; of those behind it, the
    /// [`Body`] says so in its time.
    pub async fn read(
        &self,
        key: &ObjectKey,
        secret: Option<&ObjectSecret>,
        range: Option<Range<u64>>,
    ) -> Result<Body, StoreError> {
        match (self.read_here(key, secret, range.clone()).await, &self.fallback) {
            (Err(StoreError::NotFound), Some(fallback)) => fallback.read_here(key, secret, range).await,
            (read, _) => read,
        }
    }

    async fn read_here(
        &self,
        key: &ObjectKey,
        secret: Option<&ObjectSecret>,
        range: Option<Range<u64>>,
    ) -> Result<Body, StoreError> {
        match self.read_if_there(key, secret, range).await {
            Err(StoreError::NotFound) => {
                self.is_there().await?;
                Err(StoreError::NotFound)
            }
            read => read,
        }
    }

    async fn read_if_there(
        &self,
        key: &ObjectKey,
        secret: Option<&ObjectSecret>,
        range: Option<Range<u64>>,
    ) -> Result<Body, StoreError> {
        let path = path(key)?;
        if let Some(secret) = secret {
            return sealed::read(self.objects.as_ref(), &path, secret, range).await;
        }
        // What is longer than any object is no number that every server reads.
        let bounded = |range: Range<u64>| GetRange::Bounded(range.start..range.end.min(i64::MAX.unsigned_abs()));
        let options = GetOptions { range: range.clone().map(bounded), ..GetOptions::default() };
        let error = match self.objects.get_opts(&path, options).await {
            Ok(found) => return Ok(Body::plain(found)),
            Err(error) => StoreError::failed("read an object", error),
        };
        // That it was the range, each store says in words of its own: so the
        // size decides.
        if let (StoreError::Unavailable { .. }, Some(range)) = (&error, range)
            && let Some(size) = self.size_here(key, false).await?
            && (range.is_empty() || range.start >= size)
        {
            return Err(StoreError::OutOfRange { size });
        }
        Err(error)
    }

    /// A URL by which a client fetches an object from the server itself, with
    /// this method, for as long as it holds. `None` where the operator does not
    /// want that, or no server is behind this store. Whether there is such an
    /// object is not asked, and of an encrypted one it would be the ciphertext.
    ///
    /// # Errors
    /// If there are no keys to sign it with.
    pub async fn presigned(
        &self,
        key: &ObjectKey,
        method: Method,
        presented: Presented<'_>,
    ) -> Result<Option<Presigned>, StoreError> {
        match &self.backing {
            // Nobody knows yet in which of the two it is.
            _ if self.fallback.is_some() => Ok(None),
            Backing::Folder(_) => Ok(None),
            Backing::Bucket(bucket) => bucket.presigned(&path(key)?, method, presented).await,
        }
    }

    /// Scheme, host and port that such URLs lead to; `None` where there are none.
    #[must_use]
    pub fn presigned_origin(&self) -> Option<&str> {
        match &self.backing {
            Backing::Folder(_) => None,
            Backing::Bucket(bucket) => bucket.origin(),
        }
    }

    /// Removes an object. Where there is none, that is as well.
    ///
    /// # Errors
    /// If it may still be there.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        // There first: who moves objects from there looks whether they are still
        // there after they have come here.
        if let Some(fallback) = &self.fallback {
            fallback.delete_here(key).await?;
        }
        self.delete_here(key).await
    }

    async fn delete_here(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let path = path(key)?;
        let deleted = self.objects.delete(&path).await;
        match deleted.map_err(|error| StoreError::failed("delete an object", error)) {
            Ok(()) | Err(StoreError::NotFound) => {}
            Err(error) => return Err(error),
        }
        if let Backing::Folder(folders) = &self.backing {
            folders.prune(path.as_ref()).await;
        }
        Ok(())
    }

    /// Removes every object whose key begins with `folder`, which ends with a
    /// slash, and what unfinished writes have left there. Says how many files
    /// that were. A write that is under way there fails, or comes after it.
    ///
    /// # Errors
    /// If something may still be there.
    pub async fn delete_folder(&self, folder: &str) -> Result<u64, StoreError> {
        let there = match &self.fallback {
            Some(fallback) => fallback.delete_folder_here(folder).await?,
            None => 0,
        };
        Ok(there + self.delete_folder_here(folder).await?)
    }

    async fn delete_folder_here(&self, folder: &str) -> Result<u64, StoreError> {
        const ATTEMPT: &str = "delete a folder";
        let name = folder.strip_suffix('/').ok_or_else(|| StoreError::Key("a folder ends with a slash".into()))?;
        let path = path(&ObjectKey::from_stored(name.to_owned()))?;
        match &self.backing {
            Backing::Folder(folders) => {
                folders.remove(path.as_ref()).await.map_err(|error| StoreError::failed(ATTEMPT, error))
            }
            Backing::Bucket(bucket) => {
                let found = self.objects.list(Some(&path)).map_ok(|meta| meta.location).boxed();
                let deleted = self.objects.delete_stream(found).try_fold(0, async |count, _| Ok(count + 1)).await;
                let unfinished = bucket.unfinished(folder);
                let ended = unfinished.and_then(|upload| async move { bucket.abort(&upload).await });
                let ended = ended.try_fold(0, async |count, ()| Ok(count + 1)).await?;
                deleted.map(|deleted: u64| deleted + ended).map_err(|error| StoreError::failed(ATTEMPT, error))
            }
        }
    }

    /// The keys of all objects, in no order, as they are found. Files that are
    /// still being written are not among them. What is in the fallback too may
    /// come twice.
    ///
    /// Each item is an error where the store could not be read on.
    pub fn keys(&self) -> impl Stream<Item = Result<ObjectKey, StoreError>> + Send + Unpin {
        let there = self.fallback.as_ref().map(|fallback| fallback.objects());
        self.objects().chain(stream::iter(there).flatten()).map_ok(|(key, _)| key)
    }

    /// The objects of this very store, in no order, each with its size as it is
    /// stored.
    ///
    /// Each item is an error where the store could not be read on.
    #[must_use]
    pub fn objects(&self) -> BoxStream<'static, Result<(ObjectKey, u64), StoreError>> {
        self.objects
            .list(None)
            .map_ok(|meta| (ObjectKey::from_stored(meta.location.to_string()), meta.size))
            .map_err(|error| StoreError::failed("list the objects", error))
            .boxed()
    }

    async fn read_all(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<Vec<u8>, StoreError> {
        let chunks: Vec<Bytes> = self.read(key, None, range).await?.try_collect().await?;
        Ok(chunks.concat())
    }

    /// Writes, reads, reads in part, and deletes a small object of its own, as a
    /// check that uploads can be accepted and shown.
    ///
    /// # Errors
    /// What an upload would fail with.
    pub async fn check(&self) -> Result<(), StoreError> {
        // Each check has its own key: another process may be checking too.
        let key = ObjectKey::from_stored(format!("probe/{:016x}", rand::random::<u64>()));
        let written = Bytes::from_static(b"heim-media");
        self.put(&key, None, written.clone()).await?;
        let (whole, part) = (self.read_all(&key, None).await, self.read_all(&key, Some(5..10)).await);
        if let Some(fallback) = &self.fallback {
            fallback.size_here(&key, false).await?;
        }
        self.delete_here(&key).await?;
        if whole? != written {
            let source = "it read back changed".into();
            return Err(StoreError::Unavailable { attempt: "keep what was written", source });
        }
        match part {
            Ok(part) if part == written[5..] => Ok(()),
            Ok(_) => Err(StoreError::Part("it gave other bytes".into())),
            Err(error) => Err(StoreError::Part(error.into())),
        }
    }
}
