//! What a child writes on its standard error: the message of a panic, or why it
//! did not begin. Kept in memory until somebody asks how it died, since a log of
//! lines in JSON has no place for a child's own.

use super::{memory::bounded_file, protocol::DETAIL_CHARS_MAX};
use rustix::process::Signal;
use std::{
    fmt,
    fs::File,
    io,
    os::unix::{fs::FileExt, process::ExitStatusExt},
    process::{ExitStatus, Stdio},
};

/// What a child can say. The rest falls off.
const WORDS_BYTES_MAX: usize = 4096;

/// The standard error of one child.
#[derive(Debug)]
pub(super) struct LastWords(File);

impl LastWords {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(bounded_file("heim-last-words", WORDS_BYTES_MAX as u64)?))
    }

    /// The end to write on.
    pub(super) fn ear(&self) -> io::Result<Stdio> {
        Ok(self.0.try_clone()?.into())
    }

    fn heard(&self) -> String {
        let mut bytes = [0; WORDS_BYTES_MAX];
        let len = self.0.read_at(&mut bytes, 0).unwrap_or(0);
        let words = String::from_utf8_lossy(&bytes[..len]);
        let words = words.trim_matches(|letter: char| letter == '\0' || letter.is_whitespace());
        words.chars().take(DETAIL_CHARS_MAX).collect()
    }

    /// How a child died that had these.
    pub(super) fn of(&self, status: ExitStatus) -> Death {
        Death { status, words: self.heard() }
    }
}

/// How a child died.
#[derive(Clone, Debug)]
pub struct Death {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote on its standard error, cut to a line's length.
    pub words: String,
}

/// A signal, and what it says of a pixel child.
const SIGNALS: &[(Signal, &str)] = &[
    (Signal::SYS, "it made a system call that is forbidden to it"),
    (Signal::XCPU, "it has used up its CPU time"),
    (Signal::XFSZ, "it wrote more than there is room for"),
    (Signal::ABORT, "it gave itself up, over memory that it could not have or had damaged"),
    (Signal::KILL, "somebody killed it, perhaps the kernel for want of memory"),
    (Signal::SEGV, "it reached for memory that is not there"),
    (Signal::BUS, "it reached for memory that is not there"),
];

impl Death {
    /// Whether it died of this signal.
    #[must_use]
    pub(super) fn is_by(&self, signal: Signal) -> bool {
        self.status.signal() == Some(signal.as_raw())
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some((_, meaning)) = SIGNALS.iter().find(|(signal, _)| self.is_by(*signal)) {
            write!(f, ", {meaning}")?;
        }
        if !self.words.is_empty() {
            write!(f, "; its last words: {:?}", self.words)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn words_are_kept_cut_and_quoted() {
        let words = LastWords::new().unwrap();
        let mut ear = words.0.try_clone().unwrap();
        assert_eq!(
            words.of(ExitStatus::from_raw(31)).to_string(),
            "signal: 31 (SIGSYS), it made a system call that is forbidden to it"
        );
        ear.write_all(b"one\nline\xff\n").unwrap();
        let death = words.of(ExitStatus::from_raw(101 << 8));
        assert_eq!(death.to_string(), "exit status: 101; its last words: \"one\\nline\u{fffd}\"");
        assert!(ear.write_all(&[b'x'; 5000]).is_err(), "what is said has a bound");
        assert_eq!(words.heard().chars().count(), DETAIL_CHARS_MAX);
    }
}
