//! Durations as a table in plain text.

use crate::cost::Cost;
use std::{fmt::Write as _, io::Write, time::Duration};

/// One measurement.
#[derive(Debug)]
pub(crate) struct Row {
    place: &'static str,
    at_once: usize,
    what: &'static str,
    sorted: Vec<Duration>,
}

impl Row {
    /// The waits of one measurement, in any order.
    pub(crate) fn new(place: &'static str, at_once: usize, what: &'static str, mut waits: Vec<Duration>) -> Self {
        waits.sort_unstable();
        Self { place, at_once, what, sorted: waits }
    }

    /// The wait that this share of all does not exceed, in milliseconds.
    fn percentile(&self, percent: usize) -> f64 {
        let place = (self.sorted.len() * percent).div_ceil(100).max(1) - 1;
        self.sorted.get(place).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1_000.0)
    }
}

/// Prints them on standard output.
pub(crate) fn print(rows: &[Row], costs: &[Cost]) {
    let mut text = format!(
        "\n{:<11} {:>7} {:>7}  {:<36} {:>8} {:>8} {:>8}\n",
        "where", "at once", "uploads", "from → to", "p50 ms", "p95 ms", "max ms"
    );
    for row in rows {
        let [p50, p95, max] = [50, 95, 100].map(|percent| row.percentile(percent));
        let Row { place, at_once, what, sorted } = row;
        let uploads = sorted.len();
        let _ = writeln!(text, "{place:<11} {at_once:>7} {uploads:>7}  {what:<36} {p50:>8.1} {p95:>8.1} {max:>8.1}");
    }
    for cost in costs {
        let _ = write!(text, "\n{cost}");
    }
    let _ = std::io::stdout().write_all(text.as_bytes());
}
