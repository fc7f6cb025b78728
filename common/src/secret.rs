//! The secret of a private media object, on its way from the coordinator's
//! keys to whoever reads or writes the object's files.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of an [`ObjectSecret`].
pub const OBJECT_SECRET_BYTES: usize = 32;

/// 256 random bits from which the keys of all files of one media object are
/// derived. It prints as nothing, is wiped from memory when it is dropped, and
/// is serialised for one reader only: the worker that holds a claim.
#[derive(Clone, PartialEq, Eq)]
pub struct ObjectSecret([u8; OBJECT_SECRET_BYTES]);

impl ObjectSecret {
    /// Wraps random bytes.
    #[must_use]
    pub fn new(bytes: [u8; OBJECT_SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes. Whoever calls this sees to it that they go nowhere else.
    #[must_use]
    pub fn expose(&self) -> &[u8; OBJECT_SECRET_BYTES] {
        &self.0
    }
}

impl Drop for ObjectSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for ObjectSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for ObjectSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = Zeroizing::new(data_encoding::BASE64.encode(&self.0));
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for ObjectSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        // No error may quote what was read.
        let bytes = data_encoding::BASE64.decode(text.as_bytes()).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| de::Error::custom("secret: not base 64"))?;
        let bytes = bytes.as_slice().try_into().map_err(|_| de::Error::custom("secret: 32 bytes expected"))?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_over_the_wire_and_is_not_printed() {
        let secret = ObjectSecret::new([7; 32]);
        let text = serde_json::to_string(&secret).unwrap();
        assert_eq!(serde_json::from_str::<ObjectSecret>(&text).unwrap(), secret);
        assert_eq!(format!("{secret:?}"), "[redacted]");
    }

    #[test]
    fn an_error_does_not_quote_the_secret() {
        for text in ["\"AAAA\"", "\"hunter2!\""] {
            let error = serde_json::from_str::<ObjectSecret>(text).unwrap_err().to_string();
            assert!(!error.contains("AAAA") && !error.contains("hunter2"), "{error}");
        }
    }
}
