//! Keys in a file that may change while the process runs.

use super::profile::{self, BadProfile};
use crate::StoreError;
use object_store::{CredentialProvider, aws::AwsCredential};
use std::{
    error::Error,
    fmt, fs,
    io::{self, Read},
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tokio::{sync::Mutex, task::spawn_blocking};

/// How long the last look at the file holds.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// No file of keys is larger.
const BYTES_MAX: u64 = 64 << 10;

/// The newest keys of a file. A file that cannot be read, or is not whole,
/// leaves those that were good before.
pub(in crate::bucket) struct KeyFile {
    path: PathBuf,
    profile: String,
    keys: RwLock<Arc<AwsCredential>>,
    looks: Mutex<Looks>,
}

struct Looks {
    /// When the last one began.
    last: Instant,
    /// Other keys, that were seen once: another look has to find them the same.
    /// Whoever writes a file may be in the middle of its last line.
    seen: Option<AwsCredential>,
    /// What was said of the file, so that it is not said at every look.
    said: Option<String>,
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
enum BadFile {
    #[error("it cannot be read")]
    Unreadable(#[from] io::Error),
    #[error("it is too large")]
    TooLarge,
    #[error(transparent)]
    Profile(#[from] BadProfile),
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl KeyFile {
    /// Reads the file for the first time.
    pub(in crate::bucket) fn open(path: &str, profile: &str) -> Result<Self, StoreError> {
        let path = PathBuf::from(path);
        let keys = read(&path, profile).map_err(|error| StoreError::Credentials(error.into()))?;
        let looks = Mutex::new(Looks { last: Instant::now(), seen: None, said: None });
        Ok(Self { path, profile: profile.to_owned(), keys: RwLock::new(Arc::new(keys)), looks })
    }

    /// The keys to sign with now. One request in a second looks at the file;
    /// the others do not wait for it.
    pub(in crate::bucket) async fn current(&self) -> Arc<AwsCredential> {
        if let Ok(mut looks) = self.looks.try_lock()
            && looks.last.elapsed() >= LOOK_EVERY
            && let Some(keys) = self.look(&mut looks).await
        {
            if looks.seen.as_ref() == Some(&keys) {
                self.take(&mut looks, keys);
            } else {
                looks.seen = Some(keys);
            }
        }
        self.known()
    }

    /// Others than these, which a server has refused, if the file has any. They
    /// are taken at the first sight: nothing is lost with them.
    pub(in crate::bucket) async fn other_than(&self, refused: &AwsCredential) -> Option<Arc<AwsCredential>> {
        let refused_at = Instant::now();
        let mut looks = self.looks.lock().await;
        // Of many that are refused at once, one looks: but what somebody saw before
        // the refusal may be older than the file.
        if *self.known() == *refused
            && looks.last <= refused_at
            && let Some(keys) = self.look(&mut looks).await
        {
            self.take(&mut looks, keys);
        }
        Some(self.known()).filter(|keys| **keys != *refused)
    }

    fn known(&self) -> Arc<AwsCredential> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self, looks: &mut Looks, keys: AwsCredential) {
        looks.seen = None;
        tracing::info!(
            key = keys.key_id,
            "the file of the store's keys has changed, and its keys are used from now on"
        );
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Other keys than the known ones, if there are any in the file.
    async fn look(&self, looks: &mut Looks) -> Option<AwsCredential> {
        let (path, profile) = (self.path.clone(), self.profile.clone());
        looks.last = Instant::now();
        let read = spawn_blocking(move || read(&path, &profile)).await;
        match read.map_err(|error| BadFile::Unreadable(error.into())).flatten() {
            Ok(keys) => {
                looks.said = None;
                Some(keys).filter(|keys| *keys != *self.known())
            }
            Err(error) => {
                let text = format!("{error:?}");
                if looks.said.as_ref() != Some(&text) {
                    let error: &dyn Error = &error;
                    tracing::warn!(error, "the file of the store's keys is of no use: the keys before are used on");
                    looks.said = Some(text);
                }
                looks.seen = None;
                None
            }
        }
    }
}

#[async_trait::async_trait]
impl CredentialProvider for KeyFile {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        Ok(self.current().await)
    }
}

fn read(path: &PathBuf, profile: &str) -> Result<AwsCredential, BadFile> {
    let mut bytes = Vec::new();
    if fs::File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)? as u64 > BYTES_MAX {
        return Err(BadFile::TooLarge);
    }
    Ok(profile::read(&bytes, profile)?)
}
