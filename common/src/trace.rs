//! Which request something is done for, from its first sign on through every
//! process that has a part in it: W3C Trace Context, section 3.2 (`traceparent`).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr};

/// The header that carries a [`Trace`] from process to process.
pub const HEADER_TRACE: &str = "traceparent";

/// The flag that says that whoever began it keeps it.
const SAMPLED: u8 = 1;

/// One request, and which step of it led here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trace {
    id: u128,
    step: u64,
    flags: u8,
}

/// What all log lines of one request have in common: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(pub u128);

/// A text that is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent of W3C Trace Context")]
pub struct ParseTraceError;

impl Trace {
    /// A request that begins here, by numbers that were drawn for it.
    #[must_use]
    pub fn begin(id: u128, step: u64) -> Self {
        // Zero stands for none.
        Self { id: id.max(1), step: step.max(1), flags: SAMPLED }
    }

    /// A step of a request that was begun somewhere, and whether it is kept there.
    #[must_use]
    pub fn of(id: u128, step: u64, is_sampled: bool) -> Self {
        Self { flags: if is_sampled { SAMPLED } else { 0 }, ..Self::begin(id, step) }
    }

    /// The same request, one step on.
    #[must_use]
    pub fn then(self, step: u64) -> Self {
        Self { step: step.max(1), ..self }
    }

    /// Which request.
    #[must_use]
    pub fn id(self) -> TraceId {
        TraceId(self.id)
    }

    /// Which step of it.
    #[must_use]
    pub fn step(self) -> u64 {
        self.step
    }

    /// Whether whoever began it keeps it.
    #[must_use]
    pub fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, step, flags } = self;
        write!(f, "00-{id:032x}-{step:016x}-{flags:02x}")
    }
}

impl FromStr for Trace {
    type Err = ParseTraceError;

    fn from_str(text: &str) -> Result<Self, ParseTraceError> {
        let mut parts = text.split('-');
        let mut next = |digits| parts.next().filter(|part| is_hex(part, digits)).ok_or(ParseTraceError);
        let (version, id, step, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        // A later version may have more behind it; what stands here stays.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return Err(ParseTraceError);
        }
        let id = u128::from_str_radix(id, 16).map_err(|_| ParseTraceError)?;
        let step = u64::from_str_radix(step, 16).map_err(|_| ParseTraceError)?;
        let flags = u8::from_str_radix(flags, 16).map_err(|_| ParseTraceError)?;
        if id == 0 || step == 0 {
            return Err(ParseTraceError);
        }
        // Flags that this version does not know are not to be passed on.
        Ok(Self { id, step, flags: flags & SAMPLED })
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Trace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Reads one, or none where it is in a form that this release does not know: nothing
/// depends on it.
///
/// # Errors
/// If there is something else than a text.
pub fn if_known<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Trace>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_recommendation_reads_back() {
        let trace: Trace = EXAMPLE.parse().unwrap();
        assert_eq!(trace.to_string(), EXAMPLE);
        assert_eq!(trace.id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let next = trace.then(7);
        assert_eq!(next.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000007-01");
        assert_eq!(serde_json::from_str::<Trace>(&serde_json::to_string(&next).unwrap()).unwrap(), next);
        assert_eq!(Trace::begin(0, 0).to_string(), format!("00-{:032x}-{:016x}-01", 1, 1), "zero stands for none");
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later: Trace = EXAMPLE.replacen("00", "cc", 1).parse().unwrap();
        assert_eq!(later.to_string(), EXAMPLE);
        let longer: Trace = format!("{}-what-comes", EXAMPLE.replacen("00", "01", 1)).parse().unwrap();
        assert_eq!(longer, later);
        let flags: Trace = EXAMPLE.replace("-01", "-ff").parse().unwrap();
        assert_eq!(flags, later);
        assert!(EXAMPLE.replace("-01", "-00").parse::<Trace>().unwrap().to_string().ends_with("-00"));
    }

    #[test]
    fn everything_else_is_refused() {
        let (id, step) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        for bad in [
            String::new(),
            "00".to_owned(),
            format!("00-{id}-{step}"),
            format!("00-{id}-{step}-01-x"),
            format!("ff-{id}-{step}-01"),
            format!("0-{id}-{step}-01"),
            format!("00-{}-{step}-01", id.to_uppercase()),
            format!("00-{}-{step}-01", "0".repeat(32)),
            format!("00-{id}-{}-01", "0".repeat(16)),
            format!("00-{id}0-{step}-01"),
            format!("00-+{}-{step}-01", &id[1..]),
            format!("00-{id}-{step}-1 "),
            format!("01-{id}-{step}-0111"),
        ] {
            assert_eq!(bad.parse::<Trace>(), Err(ParseTraceError), "{bad}");
        }
    }
}
