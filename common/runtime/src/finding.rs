//! What an examination of a deployment found: `heim-coordinator admin doctor`.

use serde::Serialize;
use std::{
    fmt::{self, Write as _},
    time::Duration,
};

/// By how much two clocks may differ: nothing of ours is that exact.
const SKEW_WARNED_MS: u64 = 1_000;
/// Links and signatures of minutes do not hold beyond this.
const SKEW_MAX_MS: u64 = 30_000;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// As it should be.
    Ok,
    /// It works, and something should be done all the same.
    Warning,
    /// It does not work.
    Wrong,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
        })
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What, in a word.
    pub part: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// What was seen.
    pub seen: String,
    /// What to do about it; nothing where it is as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// All that was looked at, in that order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds one that is as it should be.
    pub fn ok(&mut self, part: &'static str, seen: impl Into<String>) {
        self.0.push(Finding { part, standing: Standing::Ok, seen: seen.into(), remedy: None });
    }

    /// Adds one that works as it is.
    pub fn warning(&mut self, part: &'static str, seen: impl Into<String>, remedy: impl Into<String>) {
        self.add(part, Standing::Warning, seen.into(), remedy.into());
    }

    /// Adds one that does not work.
    pub fn wrong(&mut self, part: &'static str, seen: impl Into<String>, remedy: impl Into<String>) {
        self.add(part, Standing::Wrong, seen.into(), remedy.into());
    }

    /// Adds how this machine's clock stands to another: ahead by so many milliseconds,
    /// or behind by as many below zero.
    pub fn clock(&mut self, ahead_ms: i64, of: &str, remedy: &str) {
        const PART: &str = "clock";
        let side = if ahead_ms < 0 { "behind" } else { "ahead of" };
        let seen = format!(
            "this machine is {:.1} s {side} {of}",
            Duration::from_millis(ahead_ms.unsigned_abs()).as_secs_f64()
        );
        match ahead_ms.unsigned_abs() {
            SKEW_MAX_MS.. => self.wrong(PART, seen, remedy),
            SKEW_WARNED_MS.. => self.warning(PART, seen, remedy),
            _ => self.ok(PART, format!("agrees with that of {of}")),
        }
    }

    fn add(&mut self, part: &'static str, standing: Standing, seen: String, remedy: String) {
        self.0.push(Finding { part, standing, seen, remedy: Some(remedy) });
    }

    /// The worst of them.
    #[must_use]
    pub fn worst(&self) -> Standing {
        self.0.iter().map(|finding| finding.standing).max().unwrap_or(Standing::Ok)
    }

    /// For programs: an array of objects.
    #[must_use]
    pub fn json(&self) -> String {
        // Text in a list: there is nothing in it that JSON has not.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// For people: a line each, and below it what to do.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { part, standing, seen, remedy } in &self.0 {
            let mut lines = format!("{standing:<8} {part:<11} {seen}\n");
            if let Some(remedy) = remedy {
                writeln!(lines, "{:<20} → {remedy}", "")?;
            }
            f.write_str(&lines)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_told_with_who_is_ahead() {
        let told = |ahead_ms| {
            let mut findings = Findings::default();
            findings.clock(ahead_ms, "the database", "keep it by NTP");
            (findings.worst(), findings.0.remove(0).seen)
        };
        assert_eq!(told(999), (Standing::Ok, "agrees with that of the database".to_owned()));
        assert_eq!(told(-1_000), (Standing::Warning, "this machine is 1.0 s behind the database".to_owned()));
        assert_eq!(told(29_999).0, Standing::Warning);
        assert_eq!(told(30_000), (Standing::Wrong, "this machine is 30.0 s ahead of the database".to_owned()));
        assert_eq!(told(i64::MIN).0, Standing::Wrong);
    }

    #[test]
    fn the_worst_counts_and_each_says_what_to_do() {
        let mut findings = Findings::default();
        assert_eq!(findings.worst(), Standing::Ok);
        findings.ok("store", "can be written and read");
        findings.wrong("queue", "does not answer", "start Redis");
        findings.warning("clock", "is 2 s behind", "keep it by NTP");
        assert_eq!(findings.worst(), Standing::Wrong);
        assert_eq!(
            findings.to_string(),
            "ok       store       can be written and read\n\
             wrong    queue       does not answer\n                     → start Redis\n\
             warning  clock       is 2 s behind\n                     → keep it by NTP\n"
        );
        let json: serde_json::Value = serde_json::from_str(&findings.json()).unwrap();
        assert_eq!(json[1]["standing"], "wrong");
        assert_eq!((&json[0]["remedy"], &json[2]["remedy"]), (&serde_json::Value::Null, &"keep it by NTP".into()));
    }
}
