//! Signatures: of upload handles, download handles, cookies, and forms of the dashboard.

use aws_lc_rs::{constant_time, digest, hmac};
use data_encoding::BASE64URL_NOPAD;
use heim_runtime::Secret;

/// What a signature is for. A signature for one purpose is worth nothing for
/// another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The right to upload.
    Upload,
    /// The right to download.
    Download,
    /// The name of an agent.
    Cookie,
    /// A session of the dashboard.
    Dashboard,
    /// A form of such a session.
    Form,
}

/// Signs with HMAC-SHA-256 (RFC 2104).
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    key: hmac::Key,
    /// Those of signatures that are believed, too.
    accepted: Vec<hmac::Key>,
}

impl Signer {
    /// The signer with this secret.
    #[must_use]
    pub(crate) fn new(secret: &Secret) -> Self {
        Self { key: key(secret), accepted: Vec::new() }
    }

    /// The same, which believes what is signed with one of these secrets, too.
    #[must_use]
    pub(crate) fn accepting(self, secrets: &[Secret]) -> Self {
        Self { accepted: secrets.iter().map(key).collect(), ..self }
    }

    /// The signature over all fields, in URL-safe base 64.
    #[must_use]
    pub(crate) fn sign(&self, purpose: Purpose, fields: &[&str]) -> String {
        BASE64URL_NOPAD.encode(hmac::sign(&self.key, &message(purpose, fields)).as_ref())
    }

    /// Whether `signature` is the one over all fields; in constant time.
    #[must_use]
    pub(crate) fn verify(&self, purpose: Purpose, fields: &[&str], signature: &str) -> bool {
        let Ok(signature) = BASE64URL_NOPAD.decode(signature.as_bytes()) else { return false };
        let message = message(purpose, fields);
        let mut keys = [&self.key].into_iter().chain(&self.accepted);
        keys.any(|key| hmac::verify(key, &message, &signature).is_ok())
    }
}

fn key(secret: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes())
}

/// Each field goes in with its length before it, so that no two lists of fields
/// make one message.
fn message(purpose: Purpose, fields: &[&str]) -> Vec<u8> {
    let mut message = vec![match purpose {
        Purpose::Upload => 1,
        Purpose::Download => 2,
        Purpose::Cookie => 3,
        Purpose::Dashboard => 4,
        Purpose::Form => 5,
    }];
    for field in fields {
        message.extend_from_slice(&(field.len() as u64).to_be_bytes());
        message.extend_from_slice(field.as_bytes());
    }
    message
}

/// Compares digests, so that neither content nor length shows in the time.
pub(crate) fn equal(given: &[u8], expected: &[u8]) -> bool {
    let hash = |bytes| digest::digest(&digest::SHA256, bytes);
    constant_time::verify_slices_are_equal(hash(given).as_ref(), hash(expected).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_byte_and_every_moved_border_is_refused() {
        let signer = Signer::new(&Secret::new("secret".into()));
        let signature = signer.sign(Purpose::Upload, &["ab", "c"]);
        assert!(signer.verify(Purpose::Upload, &["ab", "c"], &signature));
        assert!(!signer.verify(Purpose::Download, &["ab", "c"], &signature));
        assert!(!signer.verify(Purpose::Upload, &["a", "bc"], &signature));
        assert!(!signer.verify(Purpose::Upload, &["ab", "c"], ""));
        for index in 0..signature.len() {
            let mut altered = signature.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(!signer.verify(Purpose::Upload, &["ab", "c"], &altered), "{index}");
        }
        let other = Signer::new(&Secret::new("another".into()));
        assert!(!other.verify(Purpose::Upload, &["ab", "c"], &signature));
        let both = other.clone().accepting(&["third", "secret"].map(|secret| Secret::new(secret.into())));
        assert!(both.verify(Purpose::Upload, &["ab", "c"], &signature));
        assert!(!both.verify(Purpose::Download, &["ab", "c"], &signature));
        assert_eq!(both.sign(Purpose::Upload, &["ab"]), other.sign(Purpose::Upload, &["ab"]));
    }
}
