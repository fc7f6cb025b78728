//! heim's snowflakes and the typed ids made of them.
//!
//! A snowflake is a `u64`: milliseconds since 2014-11-30T00:00:00Z in the high
//! 42 bits, the 10-bit number of the process that made it, and a 12-bit
//! sequence. It is written as 13 digits of lower-case base 36, zero padded;
//! zero is the empty string (heim, `proto/snowflake`).

use crate::time::Millis;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// 2014-11-30T00:00:00Z in milliseconds of the Unix epoch.
const EPOCH_MS: i64 = 1_417_305_600_000;
const DIGITS: usize = 13;
const SEQUENCE_BITS: u32 = 12;
const WORKER_BITS: u32 = 10;
/// How many processes may make ids at once.
pub const WORKER_NUMBERS: u16 = 1 << WORKER_BITS;

/// A 64-bit id in heim's layout. Zero stands for "none".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snowflake(pub u64);

/// What was parsed is not base 36, or is more than 63 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: base 36 of at most 63 bits expected")]
pub struct ParseIdError;

impl Snowflake {
    /// The value as databases and strict clients hold it.
    #[must_use]
    pub fn as_i64(self) -> i64 {
        self.0.cast_signed()
    }

    /// One that is not above any that is made at this time or later.
    #[must_use]
    pub fn earliest(time: Millis) -> Self {
        let tick = u64::try_from(time.0 - EPOCH_MS).unwrap_or(0);
        Self(tick << (SEQUENCE_BITS + WORKER_BITS))
    }

    /// When it was made.
    #[must_use]
    pub fn created(self) -> Millis {
        Millis(EPOCH_MS + (self.0 >> (SEQUENCE_BITS + WORKER_BITS)).cast_signed())
    }
}

impl fmt::Display for Snowflake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return Ok(());
        }
        let mut digits = [b'0'; DIGITS];
        let mut rest = self.0;
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % 36) as usize];
            rest /= 36;
        }
        digits.iter().try_for_each(|&digit| fmt::Write::write_char(f, char::from(digit)))
    }
}

impl FromStr for Snowflake {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        if text.is_empty() {
            return Ok(Self(0));
        }
        if text.starts_with('+') {
            return Err(ParseIdError);
        }
        match u64::from_str_radix(text, 36) {
            Ok(value) if i64::try_from(value).is_ok() => Ok(Self(value)),
            _ => Err(ParseIdError),
        }
    }
}

impl Serialize for Snowflake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Snowflake {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(pub Snowflake);

        impl TryFrom<String> for $name {
            type Error = ParseIdError;

            fn try_from(text: String) -> Result<Self, ParseIdError> {
                text.parse()
            }
        }

        impl $name {
            /// The value as databases hold it.
            #[must_use]
            pub fn as_i64(self) -> i64 {
                self.0.as_i64()
            }

            /// The id that a database row holds.
            #[must_use]
            pub fn from_i64(value: i64) -> Self {
                Self(Snowflake(value.cast_unsigned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            /// Unlike a bare snowflake, a typed id is never "none", and it is
            /// written in one way only: what is signed and cached by it has one name.
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                match text.parse()? {
                    Snowflake(0) => Err(ParseIdError),
                    id if id.to_string() == text => Ok(Self(id)),
                    _ => Err(ParseIdError),
                }
            }
        }
    };
}

typed_id!(
    /// Names a media object. Never a secret: URLs are signed.
    MediaId
);
typed_id!(
    /// Names a chat message.
    MessageId
);
typed_id!(
    /// Names a job.
    JobId
);
typed_id!(
    /// Names a change of a message.
    EditId
);
typed_id!(
    /// Names a key of a private room. On the wire it follows `v1/`.
    RoomKeyId
);

/// Makes snowflakes for one process. The caller brings the time.
#[derive(Debug)]
pub struct Snowflakes {
    worker: u16,
    last: u64,
}

impl Snowflakes {
    /// A maker for the process that holds `worker` (below [`WORKER_NUMBERS`]).
    ///
    /// # Panics
    /// If `worker` does not fit in 10 bits.
    #[must_use]
    pub fn new(worker: u16) -> Self {
        assert!(worker < WORKER_NUMBERS, "a worker number has 10 bits");
        Self { worker, last: 0 }
    }

    /// The next id: greater than every one before, also when the clock stands
    /// still, steps back, or gives out its 4,096 ids of one millisecond.
    pub fn next(&mut self, now: Millis) -> Snowflake {
        let tick = u64::try_from(now.0 - EPOCH_MS).unwrap_or(0);
        let first = tick << SEQUENCE_BITS;
        // `last` holds tick and sequence side by side: one more carries over
        // into the next millisecond by itself.
        self.last = first.max(self.last + 1);
        let (tick, sequence) = (self.last >> SEQUENCE_BITS, self.last & ((1 << SEQUENCE_BITS) - 1));
        Snowflake((tick << (SEQUENCE_BITS + WORKER_BITS)) | (u64::from(self.worker) << SEQUENCE_BITS) | sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_heims() {
        // A message that a running heim sent: its id, and its time in seconds.
        let id: Snowflake = "0c1ofyfafs1z4".parse().unwrap();
        assert_eq!(id.created().seconds(), 1_795_341_874);
        assert!(Snowflake::earliest(id.created()) <= id && id < Snowflake::earliest(Millis(id.created().0 + 1)));
        assert_eq!(Snowflake::earliest(Millis(0)), Snowflake(0));
        assert_eq!(id.to_string(), "0c1ofyfafs1z4");
        assert_eq!(Snowflake(0).to_string(), "");
        assert_eq!("".parse(), Ok(Snowflake(0)));
        assert_eq!("z".parse(), Ok(Snowflake(35)));
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in ["+1", "-1", " 1", "ö", "zzzzzzzzzzzzz", "zzzzzzzzzzzzzzzzzzzz", "1/2"] {
            assert_eq!(text.parse::<Snowflake>(), Err(ParseIdError), "{text}");
        }
        assert!("".parse::<MediaId>().is_err());
        assert!("0000000000000".parse::<MediaId>().is_err());
        assert!(serde_json::from_str::<MediaId>("\"\"").is_err(), "a key is made of it");
    }

    #[test]
    fn ids_grow_when_the_clock_does_not() {
        let mut ids = Snowflakes::new(1023);
        let mut last = Snowflake(0);
        for now in [2_000_000_000_000, 2_000_000_000_000, 1_999_999_000_000].into_iter().cycle().take(20_000) {
            let id = ids.next(Millis(now));
            assert!(id > last);
            last = id;
        }
        assert_eq!((last.0 >> SEQUENCE_BITS) & 1023, 1023);
    }
}
