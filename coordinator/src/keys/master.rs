//! Master keys: what wraps the keys of rooms. A key file today; a key
//! management service is another implementation of [`Kms`].

use super::seal::{self, Purpose, SECRET_BYTES, SecretBytes};
use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use futures_util::future::{BoxFuture, FutureExt};
use heim_common::{RoomKeyId, RoomName};
use std::error::Error;
use zeroize::Zeroizing;

/// Why a master key did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KmsError {
    /// Another master key wrapped it, or it was altered.
    #[error("a room's key does not open with this master key")]
    Refused,
    /// The service did not answer.
    #[expect(dead_code, reason = "a key that is here always answers; a service may not")]
    #[error("the key management service does not answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// Wraps and unwraps the keys of rooms, bound to the room and the key's id.
pub(crate) trait Kms: Send + Sync {
    /// Names the master key in rows: nothing secret.
    fn id(&self) -> &str;

    /// Wraps a room's key.
    fn wrap<'a>(
        &'a self,
        room: &'a RoomName,
        id: RoomKeyId,
        key: &'a SecretBytes,
    ) -> BoxFuture<'a, Result<Vec<u8>, KmsError>>;

    /// Unwraps a room's key.
    fn unwrap<'a>(
        &'a self,
        room: &'a RoomName,
        id: RoomKeyId,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<SecretBytes, KmsError>>;
}

/// A master key that is a text in the configuration or a file.
pub(crate) struct LocalMaster {
    id: String,
    key: SecretBytes,
}

/// What was given is no master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 random bytes, in base 64 or as 64 hexadecimal digits")]
pub struct InvalidMaster;

impl LocalMaster {
    /// The master key with this text.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidMaster> {
        let text = text.trim().as_bytes();
        let bytes = HEXLOWER_PERMISSIVE.decode(text).or_else(|_| BASE64.decode(text)).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| InvalidMaster)?;
        let key: [u8; SECRET_BYTES] = bytes.as_slice().try_into().map_err(|_| InvalidMaster)?;
        let key = Zeroizing::new(key);
        let id = HEXLOWER.encode(&seal::keyed_digest(&key, Purpose::RoomKey, b"id")[..8]);
        Ok(Self { id, key })
    }
}

impl Kms for LocalMaster {
    fn id(&self) -> &str {
        &self.id
    }

    fn wrap<'a>(
        &'a self,
        room: &'a RoomName,
        id: RoomKeyId,
        key: &'a SecretBytes,
    ) -> BoxFuture<'a, Result<Vec<u8>, KmsError>> {
        let wrapped = seal::seal(&self.key, Purpose::RoomKey, &[room.as_str(), &id.to_string()], key.as_ref());
        async { Ok(wrapped) }.boxed()
    }

    fn unwrap<'a>(
        &'a self,
        room: &'a RoomName,
        id: RoomKeyId,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<SecretBytes, KmsError>> {
        let opened = seal::open(&self.key, Purpose::RoomKey, &[room.as_str(), &id.to_string()], wrapped);
        let key = opened.ok().and_then(|bytes| bytes.as_slice().try_into().ok()).map(Zeroizing::new);
        async { key.ok_or(KmsError::Refused) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_key_is_base_64_or_hexadecimal() {
        let hex = LocalMaster::parse(&"0f".repeat(32)).ok().unwrap();
        let base64 = LocalMaster::parse(&format!("{}\n", BASE64.encode(&[0x0f; 32]))).ok().unwrap();
        assert_eq!(hex.id(), base64.id());
        for bad in ["", "secret", &"0f".repeat(31), &BASE64.encode(&[1; 33])] {
            assert!(LocalMaster::parse(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_room_key_opens_for_its_room_and_id_only() {
        let master = LocalMaster::parse(&"0f".repeat(32)).ok().unwrap();
        let other = LocalMaster::parse(&"f0".repeat(32)).ok().unwrap();
        let (vault, attic): (RoomName, RoomName) = ("vault".parse().unwrap(), "attic".parse().unwrap());
        let (one, two) = (RoomKeyId::from_i64(1), RoomKeyId::from_i64(2));
        let key = seal::random();
        let wrapped = master.wrap(&vault, one, &key).await.unwrap();
        assert_eq!(master.unwrap(&vault, one, &wrapped).await.unwrap(), key);
        assert!(master.unwrap(&vault, two, &wrapped).await.is_err());
        assert!(master.unwrap(&attic, one, &wrapped).await.is_err());
        assert!(other.unwrap(&vault, one, &wrapped).await.is_err());
    }
}
