//! Small values sealed under a 256-bit secret: room keys, object secrets,
//! messages, placeholders.
//!
//! ```text
//! 1 byte version │ 32 bytes salt │ ciphertext │ 16 bytes tag
//! ```
//! Each value has a key of its own, HKDF-SHA-256 (RFC 5869) of the secret with the
//! fresh salt, and is sealed with AES-256-GCM (NIST SP 800-38D). A key seals one
//! value, so its nonce is zero, and no number of values under one secret can
//! make a nonce repeat.
//!
//! What a value is for goes into the derivation of its key, and what it belongs
//! to is authenticated with it: one that is put into another's place does not open.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
};
use zeroize::Zeroizing;

/// Bytes of every secret.
pub(crate) const SECRET_BYTES: usize = 32;
const VERSION: u8 = 1;
const SALT_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

/// 256 bits that are wiped when they are dropped.
pub(crate) type SecretBytes = Zeroizing<[u8; SECRET_BYTES]>;

/// What a sealed value is for. The words are for ever: keys are derived from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A room's key under a master key.
    RoomKey,
    /// A media object's secret under its room's key.
    ObjectSecret,
    /// The beginning of a message under its room's key.
    MessageHead,
    /// The rest of a long message under its room's key.
    MessageRest,
    /// A placeholder under its media object's secret.
    Placeholder,
    /// A dominant colour under its media object's secret.
    Color,
    /// The digest of an original: keyed, not sealed.
    Digest,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::RoomKey => "heim-media room key v1",
            Self::ObjectSecret => "heim-media object secret v1",
            Self::MessageHead => "heim-media message head v1",
            Self::MessageRest => "heim-media message rest v1",
            Self::Placeholder => "heim-media placeholder v1",
            Self::Color => "heim-media color v1",
            Self::Digest => "heim-media digest v1",
        }
    }
}

/// It was not sealed so: another secret, purpose or place, or it was altered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open")]
pub(crate) struct Tampered;

/// A new secret.
pub(crate) fn random() -> SecretBytes {
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    fill(secret.as_mut());
    secret
}

/// # Panics
/// If the system has no randomness: nothing can be encrypted then.
pub(crate) fn fill(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the system's generator does not fail once it has started");
}

/// Seals a value that belongs to `place`.
pub(crate) fn seal(secret: &[u8; SECRET_BYTES], purpose: Purpose, place: &[&str], value: &[u8]) -> Vec<u8> {
    let mut salt = [0; SALT_BYTES];
    fill(&mut salt);
    // Encrypted where it is: no second copy of the plaintext is left behind.
    let mut sealed = Vec::with_capacity(1 + SALT_BYTES + value.len() + TAG_BYTES);
    sealed.push(VERSION);
    sealed.extend_from_slice(&salt);
    sealed.extend_from_slice(value);
    let tag = cipher(secret, &salt, purpose).seal_in_place_separate_tag(
        nonce(),
        Aad::from(authenticated(place)),
        &mut sealed[1 + SALT_BYTES..],
    );
    // AES-GCM refuses only what is longer than 64 GiB.
    sealed.extend_from_slice(tag.expect("rows are not that long").as_ref());
    sealed
}

/// Opens what [`seal`] has made of a value with this purpose and place.
pub(crate) fn open(
    secret: &[u8; SECRET_BYTES],
    purpose: Purpose,
    place: &[&str],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Tampered> {
    let (&[VERSION], rest) = sealed.split_first_chunk::<1>().ok_or(Tampered)? else { return Err(Tampered) };
    let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>().ok_or(Tampered)?;
    let mut value = Zeroizing::new(rest.to_vec());
    let opened = cipher(secret, salt, purpose).open_in_place(nonce(), Aad::from(authenticated(place)), &mut value);
    let length = opened.map_err(|_| Tampered)?.len();
    value.truncate(length);
    Ok(value)
}

/// The HMAC-SHA-256 of a value under a key that is derived for this purpose:
/// the same for the same value, and nothing to whoever lacks the secret.
pub(crate) fn keyed_digest(secret: &[u8; SECRET_BYTES], purpose: Purpose, value: &[u8]) -> [u8; 32] {
    let derived = derive(secret, &[], purpose);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()), value);
    let mut digest = [0; 32];
    digest.copy_from_slice(tag.as_ref());
    digest
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn cipher(secret: &[u8; SECRET_BYTES], salt: &[u8], purpose: Purpose) -> LessSafeKey {
    let key = derive(secret, salt, purpose);
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).expect("AES-256 has keys of 32 bytes"))
}

fn derive(secret: &[u8; SECRET_BYTES], salt: &[u8], purpose: Purpose) -> SecretBytes {
    let mut key = Zeroizing::new([0; SECRET_BYTES]);
    let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let info = [purpose.word().as_bytes()];
    let expanded = pseudorandom.expand(&info, hkdf::HKDF_SHA256).and_then(|material| material.fill(key.as_mut()));
    expanded.expect("HKDF-SHA-256 gives up to 8160 bytes");
    key
}

/// Each part with its length before it, so that no two places are one text.
fn authenticated(place: &[&str]) -> Vec<u8> {
    let mut text = Vec::new();
    for part in place {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let (secret, other) = (random(), random());
        let sealed = seal(&secret, Purpose::MessageHead, &["vault", "1"], b"canary");
        let open = |secret, purpose, place: &[&str], sealed: &[u8]| open(secret, purpose, place, sealed);
        assert_eq!(*open(&secret, Purpose::MessageHead, &["vault", "1"], &sealed).unwrap(), b"canary");
        assert_eq!(open(&other, Purpose::MessageHead, &["vault", "1"], &sealed), Err(Tampered));
        assert_eq!(open(&secret, Purpose::MessageRest, &["vault", "1"], &sealed), Err(Tampered));
        assert_eq!(open(&secret, Purpose::MessageHead, &["vault1", ""], &sealed), Err(Tampered));
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let secret = random();
        let sealed = seal(&secret, Purpose::Placeholder, &["0c1ofy7941g5c"], b"twelve bytes");
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&secret, Purpose::Placeholder, &["0c1ofy7941g5c"], &altered), Err(Tampered), "bit {bit}");
        }
        for length in 0..sealed.len() {
            let cut = open(&secret, Purpose::Placeholder, &["0c1ofy7941g5c"], &sealed[..length]);
            assert_eq!(cut, Err(Tampered), "{length} bytes");
        }
    }

    #[test]
    fn one_value_is_never_sealed_alike_twice() {
        let secret = random();
        let seals: std::collections::HashSet<_> =
            (0..1000).map(|_| seal(&secret, Purpose::RoomKey, &[], b"the same")).collect();
        assert_eq!(seals.len(), 1000);
    }

    #[test]
    fn a_keyed_digest_depends_on_the_secret() {
        let (one, two) = (random(), random());
        let digest = |secret| keyed_digest(secret, Purpose::Digest, b"a picture");
        assert_eq!(digest(&one), digest(&one));
        assert_ne!(digest(&one), digest(&two));
    }
}
