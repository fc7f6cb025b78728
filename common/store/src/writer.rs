//! Streaming in: counts, hashes and writes an object as it comes.

use crate::{Store, StoreError, gathering::Gathering};
use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStoreExt, path::Path};
use std::{error::Error, fmt, io};
use tokio::{
    runtime::Handle,
    task::{JoinError, JoinHandle},
};

const ATTEMPT: &str = "write an object";

/// What a finished [`Writer`] has stored: of the plaintext, where the object is
/// encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the object.
    pub size: u64,
    /// SHA-256 of the object.
    pub sha256: [u8; 32],
}

/// An object that is being written. Holds two parts of it in memory at most.
///
/// Dropped before it is finished, it leaves nothing behind; the removal then
/// runs in the background. A `finish` that is dropped midway may have stored
/// the object already.
pub struct Writer {
    store: Store,
    path: Path,
    hash: Context,
    size: u64,
    /// The folders that lead to the object, on their way to the disk.
    syncing: Option<JoinHandle<io::Result<()>>>,
    /// What is not yet on its way.
    part: Gathering,
    /// Bytes of the parts that were put on their way, as they are stored.
    sent: u64,
    /// The part that is on its way.
    sending: Option<JoinHandle<object_store::Result<()>>>,
    /// There once the first part is full: smaller objects go in one piece.
    upload: Option<Box<dyn MultipartUpload>>,
    /// Whether no call has failed or was dropped midway.
    intact: bool,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).field("size", &self.size).finish_non_exhaustive()
    }
}

impl Writer {
    pub(crate) fn new(store: Store, path: Path, part: Gathering, syncing: Option<JoinHandle<io::Result<()>>>) -> Self {
        let hash = Context::new(&SHA256);
        Self { store, path, hash, size: 0, syncing, part, sent: 0, sending: None, upload: None, intact: true }
    }

    /// Appends. Waits while the store is more than a part behind.
    ///
    /// # Errors
    /// If it could not be written. The writer is then of no more use.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.begin()?;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            // Copied, because many small slices of large buffers would hold
            // far more memory than they have bytes.
            let (now, later) = rest.split_at(self.part.append(rest, self.store.part_bytes));
            self.hash.update(now);
            self.size += now.len() as u64;
            rest = later;
            if let Some(part) = self.part.whole(self.store.part_bytes) {
                self.send(part).await?;
            }
        }
        self.intact = true;
        Ok(())
    }

    /// Stores what was written: when this returns, it is on disk.
    ///
    /// # Errors
    /// If it could not be stored; then it is as if it was never written.
    pub async fn finish(mut self) -> Result<Written, StoreError> {
        self.begin()?;
        let mut rest = self.part.rest();
        if self.upload.is_some() && !rest.is_empty() {
            self.send(std::mem::take(&mut rest)).await?;
        }
        self.sent().await?;
        if let Some(syncing) = self.syncing.take() {
            arrived(syncing).await?;
        }
        let stored = match self.upload.as_mut() {
            Some(upload) => upload.complete().await,
            None => self.store.objects.put(&self.path, rest.into()).await,
        };
        if let Err(error) = stored {
            let is_there = self.upload.is_some() && self.is_stored().await;
            if !is_there {
                return Err(StoreError::failed(ATTEMPT, error));
            }
        }
        self.upload = None;
        Ok(self.so_far())
    }

    /// What would be stored if nothing more came.
    #[must_use]
    pub fn so_far(&self) -> Written {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.hash.clone().finish().as_ref());
        Written { size: self.size, sha256 }
    }

    /// Gives the object up. When this returns, nothing is left of it.
    pub async fn abort(mut self) {
        let (upload, sending) = (self.upload.take(), self.sending.take());
        discard(upload, sending).await;
    }

    /// Whether an object in parts is there although its end failed. A server
    /// whose answer was lost has ended the upload, and knows nothing of it when
    /// it is asked again.
    async fn is_stored(&mut self) -> bool {
        self.store.objects.head(&self.path).await.is_ok_and(|meta| meta.size == self.sent)
    }

    /// Marks the writer as broken until the call that began ends well.
    fn begin(&mut self) -> Result<(), StoreError> {
        if std::mem::replace(&mut self.intact, false) { Ok(()) } else { Err(StoreError::Broken) }
    }

    /// Waits for the part that is on its way.
    async fn sent(&mut self) -> Result<(), StoreError> {
        let Some(sending) = self.sending.as_mut() else { return Ok(()) };
        // Not taken before it has ended: who drops this call leaves it to the
        // removal of what was written.
        let sent = arrived(sending).await;
        self.sending = None;
        sent
    }

    /// Puts a part on its way, after the one before.
    async fn send(&mut self, part: Bytes) -> Result<(), StoreError> {
        self.sent().await?;
        if self.upload.is_none() {
            let opened = self.store.objects.put_multipart(&self.path).await;
            self.upload = Some(opened.map_err(|error| StoreError::failed(ATTEMPT, error))?);
        }
        if let Some(upload) = self.upload.as_mut() {
            self.sent += part.len() as u64;
            self.sending = Some(tokio::spawn(upload.put_part(part.into())));
        }
        Ok(())
    }
}

/// Waits for a task that writes.
async fn arrived<E>(task: impl Future<Output = Result<Result<(), E>, JoinError>>) -> Result<(), StoreError>
where
    E: Error + Send + Sync + 'static,
{
    match task.await {
        Ok(written) => written.map_err(|error| StoreError::failed(ATTEMPT, error)),
        Err(error) => Err(StoreError::failed(ATTEMPT, error)),
    }
}

async fn discard(upload: Option<Box<dyn MultipartUpload>>, sending: Option<JoinHandle<object_store::Result<()>>>) {
    // A part that arrives after the end of its upload could be kept for ever.
    if let Some(sending) = sending {
        let _ = sending.await;
    }
    if let Some(mut upload) = upload
        && let Err(error) = upload.abort().await
    {
        tracing::warn!(error = &error as &dyn Error, "an unfinished object could not be removed");
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let (Some(upload), Ok(runtime)) = (self.upload.take(), Handle::try_current()) {
            runtime.spawn(discard(Some(upload), self.sending.take()));
        }
    }
}
