//! What a command answers: words for people, and one JSON document for programs.

use heim_common::Millis;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write;

/// The answer of a command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    text: String,
    json: Value,
    /// What is left undone, if something is.
    left: Option<String>,
}

impl Said {
    /// The same in both forms.
    pub(crate) fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, left: None }
    }

    /// What was done, and could not be done to all: a sentence, and the command fails.
    pub(crate) fn in_part(left: String, json: Value) -> Self {
        Self { text: String::new(), json, left: Some(left) }
    }

    /// What is left undone, if something is.
    pub(crate) fn left(self) -> Option<String> {
        self.left
    }

    /// What is printed.
    pub(crate) fn print(&self, as_json: bool) -> String {
        if as_json { format!("{}\n", self.json) } else { self.text.clone() }
    }
}

/// A value of ours as JSON: maps with text as keys, and nothing that JSON has not.
pub(crate) fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// An answer that says whether it was only tried, too.
pub(crate) fn tried(mut answer: Value, dry_run: bool) -> Value {
    answer["dry_run"] = dry_run.into();
    answer
}

/// Rows below a line of headings, each column as wide as it must be.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    let headings = headings.map(str::to_owned);
    for row in std::iter::once(&headings).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Each of these on a line of its own, and how many they are.
pub(crate) fn counted<T: ToString>(all: &[T], of: &str) -> String {
    let mut lines: Vec<String> = all.iter().map(ToString::to_string).collect();
    lines.push(format!("{} {of}\n", all.len()));
    lines.join("\n")
}

/// A value that may be missing.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// How long something took, in the unit that says most.
pub(crate) fn lasting(ms: i64) -> String {
    match ms.max(0) {
        ms @ 0..10_000 => format!("{ms} ms"),
        ms @ 10_000..600_000 => format!("{} s", ms / 1_000),
        ms @ 600_000..36_000_000 => format!("{} min", ms / 60_000),
        ms @ 36_000_000..864_000_000 => format!("{} h", ms / 3_600_000),
        ms => format!("{} d", ms / 86_400_000),
    }
}

/// A size as people say it.
pub(crate) fn bytes(bytes: u64) -> String {
    let unit = ["KiB", "MiB", "GiB", "TiB"].iter().zip([10, 20, 30, 40]).rev().find(|(_, shift)| bytes >> shift > 0);
    match unit {
        Some((unit, shift)) => format!("{}.{} {unit}", bytes >> shift, ((bytes >> (shift - 10)) % 1024) * 10 / 1024),
        None => format!("{bytes} B"),
    }
}

/// A point in time as people write it, in UTC.
pub(crate) fn at(time: Millis) -> String {
    let seconds = time.seconds();
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Counted from March of the year 0 on, so that a leap day is the last of its year.
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + carry;
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00Z"),
            (951_782_399, "2000-02-28 23:59:59Z"),
            (951_782_400, "2000-02-29 00:00:00Z"),
            (1_795_708_866, "2026-11-26 16:01:06Z"),
            (4_107_542_399, "2100-02-28 23:59:59Z"),
            (4_107_542_400, "2100-03-01 00:00:00Z"),
        ] {
            assert_eq!(at(Millis(seconds * 1_000 + 999)), expected);
        }
        assert_eq!(lasting(9_999), "9999 ms");
        assert_eq!((lasting(10_000), lasting(7_200_000)), ("10 s".to_owned(), "120 min".to_owned()));
    }

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let rows = [["a".to_owned(), "1".to_owned()], ["longer".to_owned(), String::new()]];
        assert_eq!(table(["name", "n"], &rows), "name    n\na       1\nlonger\n");
        assert_eq!(table(["name"], &[]), "name\n");
    }

    #[test]
    fn sizes_are_in_the_unit_that_says_most() {
        for (size, words) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (26_214_400, "25.0 MiB"), (u64::MAX, "16777215.9 TiB")]
        {
            assert_eq!(bytes(size), words);
        }
    }
}
