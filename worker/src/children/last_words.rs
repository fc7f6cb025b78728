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

/// A signal, a word for it, and what it says of a pixel child.
const SIGNALS: &[(Signal, &str, &str)] = &[
    (Signal::SYS, "forbidden-call", "it made a system call that is forbidden to it"),
    (Signal::XCPU, "cpu-time", "it has used up its CPU time"),
    (Signal::XFSZ, "file-size", "it wrote more than there is room for"),
    (Signal::ABORT, "abort", "it gave itself up, over memory that it could not have or had damaged"),
    (Signal::KILL, "killed", "somebody killed it, perhaps the kernel for want of memory"),
    (Signal::SEGV, "memory-fault", "it reached for memory that is not there"),
    (Signal::BUS, "memory-fault", "it reached for memory that is not there"),
];

/// Every word for what a pixel child can die of.
pub const DEATHS: &[&str] = &[
    "forbidden-call",
    "cpu-time",
    "file-size",
    "abort",
    "killed",
    "memory-fault",
    "other-signal",
    "exit",
    "deadline",
    "lied",
];

impl Death {
    /// The word for it.
    #[must_use]
    pub(super) fn cause(&self) -> &'static str {
        let by = SIGNALS.iter().find(|(signal, ..)| self.is_by(*signal)).map(|(_, word, _)| *word);
        by.unwrap_or(if self.status.signal().is_some() { "other-signal" } else { "exit" })
    }

    /// Whether it died of this signal.
    #[must_use]
    pub(super) fn is_by(&self, signal: Signal) -> bool {
        self.status.signal() == Some(signal.as_raw())
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some((_, _, meaning)) = SIGNALS.iter().find(|(signal, ..)| self.is_by(*signal)) {
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
    fn every_death_has_a_word() {
        let cause = |raw| Death { status: ExitStatus::from_raw(raw), words: String::new() }.cause();
        assert_eq!(
            (cause(31), cause(7), cause(5), cause(101 << 8)),
            ("forbidden-call", "memory-fault", "other-signal", "exit")
        );
        assert!(SIGNALS.iter().all(|(_, word, _)| DEATHS.contains(word)));
    }

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
