//! What Redis keeps for its next start, and what it does when it cannot. Nothing of ours
//! needs it: what waits is pushed anew from the rows. But a Redis that was told to save
//! and cannot takes nothing any more.

use serde::Serialize;

/// What it keeps, and how that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Saving {
    /// What it was told to keep.
    pub kept: Kept,
    /// What it last failed at, in its own words.
    pub failed: Option<String>,
    /// Whether it refuses writes until that goes well.
    pub refuses: bool,
}

/// What Redis was told to keep for its next start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// A snapshot now and then.
    Snapshots,
    /// Every write, in a log.
    Log,
    /// It keeps no log; of snapshots it does not tell.
    Untold,
}

impl Kept {
    /// In a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Snapshots => "snapshots",
            Self::Log => "log",
            Self::Untold => "untold",
        }
    }
}

impl Saving {
    /// By what `INFO persistence` says, and by `save` and `stop-writes-on-bgsave-error`
    /// of its configuration, where it tells them.
    pub(super) fn told(info: &str, points: Option<&str>, refuses: Option<&str>) -> Self {
        let says = |line: &str| info.lines().any(|said| said.trim() == line);
        let has_log = says("aof_enabled:1");
        let kept = match points {
            _ if has_log => Kept::Log,
            Some("") => Kept::Nothing,
            Some(_) => Kept::Snapshots,
            None => Kept::Untold,
        };
        // In this order: of a log that is off, an old failure does not matter, and of
        // snapshots that nothing asks for neither.
        let takes_points = points.is_none_or(|points| !points.is_empty());
        let stops = takes_points && refuses.is_none_or(|refuses| refuses == "yes");
        let failures = [
            ("aof_last_write_status:err", has_log, true),
            ("rdb_last_bgsave_status:err", true, stops),
            ("aof_last_bgrewrite_status:err", has_log, false),
        ];
        let failed = failures.into_iter().find(|(line, matters, _)| *matters && says(line));
        Self {
            kept,
            failed: failed.map(|(line, ..)| line.to_owned()),
            refuses: failed.is_some_and(|(_, _, refuses)| refuses),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_redis_refuses_writes_for_counts_as_refusing() {
        let info = |failed: &str, log: &str| {
            let told = "# Persistence\r\nloading:0\r\naof_enabled:0\r\nrdb_last_bgsave_status:ok\r\n\
                        aof_last_bgrewrite_status:ok\r\naof_last_write_status:ok\r\n";
            told.replace(&format!("{failed}:ok"), &format!("{failed}:err")).replace("enabled:0", log)
        };
        let (without, with) = ("enabled:0", "enabled:1");
        let (points, none) = (Some("3600 1 300 100"), Some(""));
        for (failed, log, points, stops, kept, is_told, refuses) in [
            ("none", without, none, Some("yes"), Kept::Nothing, false, false),
            ("none", without, points, Some("yes"), Kept::Snapshots, false, false),
            ("none", with, points, Some("yes"), Kept::Log, false, false),
            ("none", without, None, None, Kept::Untold, false, false),
            ("rdb_last_bgsave_status", without, points, Some("yes"), Kept::Snapshots, true, true),
            ("rdb_last_bgsave_status", without, points, Some("no"), Kept::Snapshots, true, false),
            ("rdb_last_bgsave_status", without, none, Some("yes"), Kept::Nothing, true, false),
            ("rdb_last_bgsave_status", without, None, None, Kept::Untold, true, true),
            ("aof_last_write_status", with, none, Some("no"), Kept::Log, true, true),
            ("aof_last_write_status", without, none, Some("no"), Kept::Nothing, false, false),
            ("aof_last_bgrewrite_status", with, none, Some("yes"), Kept::Log, true, false),
        ] {
            let told = info(failed, log);
            let saving = Saving::told(&told, points, stops);
            let failed = is_told.then(|| format!("{failed}:err"));
            assert_eq!(saving, Saving { kept, failed, refuses }, "{told}");
        }
    }
}
