//! The master keys of this process, and the keys of rooms that it opened lately.

use super::{
    Kms, KmsError, RoomKey,
    seal::{self, Tampered},
};
use heim_common::{MediaId, Millis, ObjectSecret, RoomKeyId, RoomName, media::Encryption};
use heim_db::{Database, DbError, NewRoomKey, RoomKeyRow};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long an opened key stays in memory.
const KEPT: Duration = Duration::from_mins(1);
/// Opened keys that stay in memory at a time.
const KEPT_MAX: usize = 1024;

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// `keys.master` is not given: there are no private rooms here.
    #[error("there is no master key: set keys.master or keys.master_file")]
    NoMaster,
    /// The row names a master key that this process was not given.
    #[error("a key of room {room} needs master key {master}, which is neither keys.master nor in keys.previous")]
    OtherMaster { room: RoomName, master: String },
    /// The room has no such key: it was deleted.
    #[error("the room has no such key")]
    Gone,
    /// The master key did not do it.
    #[error("a room's key cannot be used")]
    Master(#[source] KmsError),
    /// What the room's key should open was altered.
    #[error("a value of a private room was altered")]
    Altered(#[from] Tampered),
    /// The database does not answer.
    #[error("a room's key cannot be read")]
    Database(#[from] DbError),
}

/// Opens the keys of rooms.
pub(crate) struct Keyring {
    /// The one that wraps new keys comes first.
    masters: Vec<Arc<dyn Kms>>,
    /// Whether the first may wrap new keys; else it is there to open old ones.
    has_current: bool,
    opened: Mutex<HashMap<RoomKeyId, (Instant, Arc<RoomKey>)>>,
}

impl Keyring {
    /// With these master keys: the current one if there is one, then those that
    /// still open.
    pub(crate) fn new(masters: Vec<Arc<dyn Kms>>, has_current: bool) -> Self {
        Self { masters, has_current, opened: Mutex::default() }
    }

    /// The name of the master key that wraps new keys.
    pub(crate) fn master(&self) -> Result<&Arc<dyn Kms>, KeyError> {
        self.masters.first().filter(|_| self.has_current).ok_or(KeyError::NoMaster)
    }

    /// Whether this process was given the master key of this name.
    pub(crate) fn knows(&self, master: &str) -> bool {
        self.masters.iter().any(|kms| kms.id() == master)
    }

    /// A new key for a room, wrapped.
    pub(crate) async fn new_room_key(
        &self,
        room: &RoomName,
        id: RoomKeyId,
        now: Millis,
    ) -> Result<NewRoomKey, KeyError> {
        let master = self.master()?;
        let wrapped = master.wrap(room, id, &seal::random()).await.map_err(KeyError::Master)?;
        Ok(NewRoomKey { id, wrapped, master: master.id().to_owned(), created: now })
    }

    /// The key under which a room seals what is new.
    pub(crate) async fn current(&self, db: &Database, room: &RoomName) -> Result<Arc<RoomKey>, KeyError> {
        let row = db.room_key_current(room).await?.ok_or(KeyError::Gone)?;
        match self.kept(row.id) {
            Some(key) => Ok(key),
            None => self.open(row).await,
        }
    }

    /// The key of a room with this id; no other room's, whatever a row says.
    pub(crate) async fn get(&self, db: &Database, room: &RoomName, id: RoomKeyId) -> Result<Arc<RoomKey>, KeyError> {
        let key = match self.kept(id) {
            Some(key) => key,
            None => self.open(db.room_key(id).await?.ok_or(KeyError::Gone)?).await?,
        };
        if key.room() == room { Ok(key) } else { Err(KeyError::Gone) }
    }

    /// The secret of a media object; `None` where it is not encrypted.
    pub(crate) async fn object_secret(
        &self,
        db: &Database,
        room: &RoomName,
        media: MediaId,
        encryption: Option<&Encryption>,
    ) -> Result<Option<ObjectSecret>, KeyError> {
        let Some(encryption) = encryption else { return Ok(None) };
        Ok(Some(self.get(db, room, encryption.key_id).await?.unwrap(media, encryption)?))
    }

    /// The same room key under the current master key, if it is under another.
    pub(crate) async fn rewrapped(&self, row: RoomKeyRow) -> Result<Option<(Vec<u8>, String)>, KeyError> {
        let master = self.master()?;
        if row.master == master.id() {
            return Ok(None);
        }
        let key = self.open(row).await?;
        let wrapped = master.wrap(key.room(), key.id, key.secret()).await.map_err(KeyError::Master)?;
        Ok(Some((wrapped, master.id().to_owned())))
    }

    async fn open(&self, row: RoomKeyRow) -> Result<Arc<RoomKey>, KeyError> {
        let RoomKeyRow { id, room, wrapped, master, created: _ } = row;
        let Some(kms) = self.masters.iter().find(|kms| kms.id() == master) else {
            return Err(if self.masters.is_empty() {
                KeyError::NoMaster
            } else {
                KeyError::OtherMaster { room, master }
            });
        };
        let secret = kms.unwrap(&room, id, &wrapped).await.map_err(KeyError::Master)?;
        let key = Arc::new(RoomKey::new(id, room, secret));
        self.keep(&key);
        Ok(key)
    }

    fn opened(&self) -> MutexGuard<'_, HashMap<RoomKeyId, (Instant, Arc<RoomKey>)>> {
        // Every change is a single insertion or removal: whole even after a panic.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, id: RoomKeyId) -> Option<Arc<RoomKey>> {
        let (until, key) = self.opened().get(&id).cloned()?;
        (until > Instant::now()).then_some(key)
    }

    fn keep(&self, key: &Arc<RoomKey>) {
        let now = Instant::now();
        let mut opened = self.opened();
        opened.retain(|_, (until, _)| *until > now);
        if opened.len() < KEPT_MAX {
            opened.insert(key.id, (now + KEPT, Arc::clone(key)));
        }
    }

    /// Wipes what was not used lately, and all that is a room's.
    pub(crate) fn forget(&self, room: Option<&RoomName>) {
        let now = Instant::now();
        self.opened().retain(|_, (until, key)| *until > now && room.is_none_or(|room| key.room() != room));
    }
}
