//! A room's key, opened: what it seals, and what it opens.

use super::seal::{self, Purpose, SecretBytes, Tampered};
use heim_common::{MediaId, MessageId, ObjectSecret, RoomKeyId, RoomName, media::Encryption};
use heim_db::{Rest, SealedContent};

/// Bytes of a message that are sealed by themselves, because nobody is shown
/// more unless they ask for all of it.
pub(crate) const HEAD_BYTES_MAX: usize = 4096;

/// The key of a private room, in memory.
#[derive(Clone)]
pub(crate) struct RoomKey {
    pub(crate) id: RoomKeyId,
    room: RoomName,
    secret: SecretBytes,
}

/// The text of a message, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenText {
    pub(crate) text: String,
    /// Whether there is more of it.
    pub(crate) has_more: bool,
}

impl RoomKey {
    pub(crate) fn new(id: RoomKeyId, room: RoomName, secret: SecretBytes) -> Self {
        Self { id, room, secret }
    }

    pub(crate) fn room(&self) -> &RoomName {
        &self.room
    }

    pub(crate) fn secret(&self) -> &SecretBytes {
        &self.secret
    }

    /// A secret for a new media object, and how its row keeps it.
    pub(crate) fn new_object(&self, media: MediaId) -> Encryption {
        let secret = ObjectSecret::new(*seal::random());
        self.wrap(media, &secret)
    }

    /// How the row of a media object keeps its secret.
    pub(crate) fn wrap(&self, media: MediaId, secret: &ObjectSecret) -> Encryption {
        let place = [self.room.as_str(), &media.to_string()];
        let wrapped = seal::seal(&self.secret, Purpose::ObjectSecret, &place, secret.expose());
        Encryption { key_id: self.id, wrapped }
    }

    /// The secret of a media object that this key wraps.
    pub(crate) fn unwrap(&self, media: MediaId, encryption: &Encryption) -> Result<ObjectSecret, Tampered> {
        let place = [self.room.as_str(), &media.to_string()];
        let bytes = seal::open(&self.secret, Purpose::ObjectSecret, &place, &encryption.wrapped)?;
        Ok(ObjectSecret::new(bytes.as_slice().try_into().map_err(|_| Tampered)?))
    }

    /// What a private room's row keeps instead of an original's SHA-256: equal
    /// for equal pictures of this room, and nothing to whoever has the row only.
    pub(crate) fn digest(&self, sha256: &[u8; 32]) -> [u8; 32] {
        seal::keyed_digest(&self.secret, Purpose::Digest, sha256)
    }

    /// Seals what somebody says.
    pub(crate) fn seal_text(&self, message: MessageId, text: &str) -> SealedContent {
        let (head, rest) = text.split_at(text.floor_char_boundary(HEAD_BYTES_MAX));
        let has_rest = !rest.is_empty();
        let place = self.place(message, has_rest);
        let place = place.each_ref().map(String::as_str);
        let seal = |purpose, part: &str| seal::seal(&self.secret, purpose, &place, part.as_bytes());
        SealedContent {
            key: self.id,
            head: seal(Purpose::MessageHead, head),
            rest: if has_rest { Rest::There(seal(Purpose::MessageRest, rest)) } else { Rest::None },
        }
    }

    /// Opens what was said, as far as it was read.
    pub(crate) fn open_text(&self, message: MessageId, sealed: &SealedContent) -> Result<OpenText, Tampered> {
        let has_rest = !matches!(sealed.rest, Rest::None);
        let place = self.place(message, has_rest);
        let place = place.each_ref().map(String::as_str);
        let open = |purpose, part: &[u8]| {
            let bytes = seal::open(&self.secret, purpose, &place, part)?;
            String::from_utf8(bytes.to_vec()).map_err(|_| Tampered)
        };
        let mut text = open(Purpose::MessageHead, &sealed.head)?;
        if let Rest::There(rest) = &sealed.rest {
            text.push_str(&open(Purpose::MessageRest, rest)?);
        }
        Ok(OpenText { text, has_more: matches!(sealed.rest, Rest::Unread) })
    }

    /// Whether there is a rest is sealed with each part: no part can be taken away.
    fn place(&self, message: MessageId, has_rest: bool) -> [String; 3] {
        [self.room.to_string(), message.to_string(), has_rest.to_string()]
    }
}

/// Seals a placeholder under the secret of its media object.
pub(crate) fn seal_placeholder(secret: &ObjectSecret, media: MediaId, placeholder: &[u8]) -> Vec<u8> {
    seal::seal(secret.expose(), Purpose::Placeholder, &[&media.to_string()], placeholder)
}

/// Opens a placeholder.
pub(crate) fn open_placeholder(secret: &ObjectSecret, media: MediaId, sealed: &[u8]) -> Result<Vec<u8>, Tampered> {
    Ok(seal::open(secret.expose(), Purpose::Placeholder, &[&media.to_string()], sealed)?.to_vec())
}

/// Seals a dominant colour under the secret of its media object.
pub(crate) fn seal_color(secret: &ObjectSecret, media: MediaId, color: &[u8]) -> Vec<u8> {
    seal::seal(secret.expose(), Purpose::Color, &[&media.to_string()], color)
}

/// Opens a dominant colour.
pub(crate) fn open_color(secret: &ObjectSecret, media: MediaId, sealed: &[u8]) -> Result<Vec<u8>, Tampered> {
    Ok(seal::open(secret.expose(), Purpose::Color, &[&media.to_string()], sealed)?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: i64) -> RoomKey {
        RoomKey::new(RoomKeyId::from_i64(id), "vault".parse().unwrap(), seal::random())
    }

    #[test]
    fn an_object_opens_with_its_own_secret_only() {
        let (key, other) = (key(1), key(2));
        let (one, two) = (MediaId::from_i64(1), MediaId::from_i64(2));
        let encryption = key.new_object(one);
        let secret = key.unwrap(one, &encryption).unwrap();
        assert!(key.unwrap(two, &encryption).is_err());
        assert!(other.unwrap(one, &encryption).is_err());
        let sealed = seal_placeholder(&secret, one, b"thumbhash");
        assert_eq!(open_placeholder(&secret, one, &sealed).unwrap(), b"thumbhash");
        assert!(open_placeholder(&secret, two, &sealed).is_err());
        let color = seal_color(&secret, one, &[1, 2, 3]);
        assert_eq!(open_color(&secret, one, &color).unwrap(), [1, 2, 3]);
        assert!(open_placeholder(&secret, one, &color).is_err());
    }

    #[test]
    fn a_long_text_is_sealed_in_two_parts_that_hold_together() {
        let (key, id) = (key(1), MessageId::from_i64(7));
        let text = format!("{}é{}", "a".repeat(HEAD_BYTES_MAX - 1), "b".repeat(5000));
        let sealed = key.seal_text(id, &text);
        assert_eq!(key.open_text(id, &sealed).unwrap(), OpenText { text: text.clone(), has_more: false });
        let cut = SealedContent { rest: Rest::Unread, ..sealed.clone() };
        let head = text[..HEAD_BYTES_MAX - 1].to_owned();
        assert_eq!(key.open_text(id, &cut).unwrap(), OpenText { text: head, has_more: true });
        // A part that was taken away is missed.
        assert!(key.open_text(id, &SealedContent { rest: Rest::None, ..sealed.clone() }).is_err());
        assert!(key.open_text(MessageId::from_i64(8), &sealed).is_err());
        let short = key.seal_text(id, "");
        assert_eq!(key.open_text(id, &short).unwrap().text, "");
    }
}
