//! How far a migration is: a bar on a terminal, and a line now and then
//! elsewhere. Both go to standard error: what was done in the end belongs to
//! standard output.

use heim_common::key::ObjectKey;
use heim_runtime::ready;
use heim_runtime::telemetry::chain;
use heim_store::{Moved, NotMoved};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{
    fmt,
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Objects that are named at the end. All of them are named as they come.
const NAMED_MAX: usize = 1_000;

/// What was done, or would be.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Done {
    /// Whether it was only said what would be done.
    dry_run: bool,
    /// Objects of this project in the first store.
    objects: u64,
    /// Copied, and read back.
    copied: u64,
    /// Those of them in whose place was something that is not right.
    replaced: u64,
    /// Were there before, and are right.
    right: u64,
    /// Were deleted meanwhile.
    gone: u64,
    /// Are not in the second store, or not known to be right there.
    failed: u64,
    /// Bytes of those that were copied.
    bytes: u64,
    /// Others' objects, which stay where they are.
    foreign: u64,
    seconds: f64,
    errors: Vec<NotCopied>,
}

/// An object that failed.
#[derive(Clone, Debug, Serialize)]
struct NotCopied {
    key: ObjectKey,
    error: String,
}

impl Done {
    /// What is printed.
    #[must_use]
    pub fn print(&self, as_json: bool) -> String {
        if as_json { serde_json::to_string_pretty(self).unwrap_or_default() + "\n" } else { self.to_string() }
    }

    /// Whether the second store has all that the first one has.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.failed == 0
    }

    pub(super) fn copied(&self) -> u64 {
        self.copied
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dry_run, objects, copied, replaced, right, gone, failed, bytes, foreign, seconds, errors } = self;
        let bytes = HumanBytes(*bytes);
        let (would, fail) = if *dry_run { ("would be ", "would fail") } else { ("", "failed") };
        writeln!(
            f,
            "{objects} objects in {seconds:.1} s: {copied} {would}copied ({bytes}), {right} were there and right, {gone} deleted meanwhile, {failed} {fail}"
        )?;
        if *replaced > 0 {
            writeln!(f, "{replaced} of those {would}copied in place of what was there and not right")?;
        }
        if *foreign > 0 {
            writeln!(f, "{foreign} others are not heim-media's, and stay where they are")?;
        }
        errors.iter().try_for_each(|NotCopied { key, error }| writeln!(f, "{key}: {error}"))
    }
}

/// Counts, and shows.
pub(super) struct Progress {
    done: Done,
    bar: Option<ProgressBar>,
    began: Instant,
    told: Instant,
}

impl Progress {
    /// Of so many objects, as far as anybody knows: more may come meanwhile.
    pub(super) fn of(objects: u64, foreign: u64, dry_run: bool) -> Self {
        let style = ProgressStyle::with_template("[{bar:32}] {percent:>3} %  {pos} of {len} objects  {msg}");
        let bar = stderr().is_terminal().then(|| ProgressBar::new(objects));
        let bar = bar.map(|bar| {
            bar.with_style(style.map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("#>-")))
        });
        let now = Instant::now();
        let progress = Self { done: Done { dry_run, foreign, ..Done::default() }, bar, began: now, told: now };
        if progress.bar.is_none() {
            ready::complain(&format!("{objects} objects to look at\n"));
        }
        progress
    }

    /// One more.
    pub(super) fn add(&mut self, key: ObjectKey, size: u64, moved: Result<Moved, NotMoved>) {
        let done = &mut self.done;
        done.objects += 1;
        match moved {
            Ok(moved @ (Moved::Copied | Moved::Replaced)) => {
                done.copied += 1;
                done.bytes += size;
                done.replaced += u64::from(moved == Moved::Replaced);
            }
            Ok(Moved::Right) => done.right += 1,
            Ok(Moved::Gone) => done.gone += 1,
            Err(error) => {
                done.failed += 1;
                let error = chain(&error);
                let line = format!("{key}: {error}\n");
                match &self.bar {
                    Some(bar) => bar.suspend(|| ready::complain(&line)),
                    None => ready::complain(&line),
                }
                if done.errors.len() < NAMED_MAX {
                    done.errors.push(NotCopied { key, error });
                }
            }
        }
        self.tell();
    }

    fn tell(&mut self) {
        let Done { objects, copied, failed, bytes, dry_run, .. } = self.done;
        let would = if dry_run { "would be " } else { "" };
        let text = format!("{copied} {would}copied ({}), {failed} failed", HumanBytes(bytes));
        if let Some(bar) = &self.bar {
            bar.set_message(text);
            bar.inc(1);
            bar.set_length(bar.length().unwrap_or_default().max(objects));
        } else if self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            ready::complain(&format!("{objects} objects looked at: {text}\n"));
        }
    }

    pub(super) fn end(self) -> Done {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        Done { seconds: self.began.elapsed().as_secs_f64(), ..self.done }
    }
}
