//! Gets at every key by what the documentation says of them, with the master key
//! in hand: the test knows what nobody else may find.

use super::needles::Needles;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use heim_common::MediaId;
use heim_db::{Database, RoomKeyRow};
use std::{fs, path::Path};

type Key = [u8; 32];

fn derived(secret: &Key, salt: &[u8], word: &str) -> Key {
    let mut key = [0; 32];
    let info = [word.as_bytes()];
    Salt::new(HKDF_SHA256, salt)
        .extract(secret)
        .expand(&info, HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key))
        .expect("32 bytes are one block");
    key
}

/// Opens one byte of version, 32 of salt, the ciphertext and its tag.
fn opened(secret: &Key, word: &str, place: &[&str], sealed: &[u8]) -> Option<Key> {
    let (salt, value) = sealed.strip_prefix(&[1])?.split_at_checked(32)?;
    let parts = place.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part.as_bytes()].concat());
    let key = UnboundKey::new(&AES_256_GCM, &derived(secret, salt, word)).ok()?;
    let (mut value, nonce) = (value.to_vec(), Nonce::assume_unique_for_key([0; 12]));
    let aad = Aad::from(parts.collect::<Vec<u8>>());
    LessSafeKey::new(key).open_in_place(nonce, aad, &mut value).ok()?[..].try_into().ok()
}

fn room_key(masters: &[Key], row: &RoomKeyRow) -> Key {
    let place = [row.room.as_str(), &row.id.to_string()];
    let open = |master| opened(master, "heim-media room key v1", &place, &row.wrapped);
    masters.iter().find_map(open).expect("one of the master keys wraps it")
}

/// Adds all keys of rooms that there are now, the secrets of these objects, and
/// the keys of their files in this store.
pub(super) async fn add(needles: &mut Needles, database: &Database, masters: &[Key], media: &[MediaId], store: &Path) {
    for row in database.room_keys(None, 1000).await.expect("the database answers") {
        needles.add("a room's key", &room_key(masters, &row));
    }
    for &id in media {
        let object = database.media(id).await.expect("the database answers").expect("it is there");
        let encryption = object.encryption.expect("it is encrypted");
        let row = database.room_key(encryption.key_id).await.expect("the database answers").expect("its key is there");
        let place = [object.room.as_str(), &id.to_string()];
        let key = room_key(masters, &row);
        let secret = opened(&key, "heim-media object secret v1", &place, &encryption.wrapped);
        let secret = secret.expect("the room's key wraps it");
        needles.add("an object's secret", &secret);
        for transcoding in &object.transcodings {
            let file = fs::read(store.join(transcoding.key.as_str())).expect("it is in the store");
            assert!(file.starts_with(b"HEIMENC1"));
            needles.add("a file's key", &derived(&secret, &file[8..40], "heim-media file v1"));
        }
    }
}
