//! Figures as a table in plain text.

use std::{fmt::Write as _, io::Write, time::Duration};

/// One line: the figures of one kind.
#[derive(Debug)]
pub(crate) struct Row {
    place: &'static str,
    at_once: usize,
    what: String,
    figures: Figures,
}

#[derive(Debug)]
enum Figures {
    /// Many of a kind, from the best to the worst.
    Sorted(Vec<f64>),
    /// One alone.
    Single(f64),
}

impl Row {
    /// Waits, in any order.
    pub(crate) fn waits(place: &'static str, at_once: usize, what: impl Into<String>, waits: &[Duration]) -> Self {
        let mut sorted: Vec<_> = waits.iter().map(|wait| wait.as_secs_f64() * 1_000.0).collect();
        sorted.sort_by(f64::total_cmp);
        Self { place, at_once, what: what.into(), figures: Figures::Sorted(sorted) }
    }

    /// Rates, in any order. The p99 of a rate is what all but the slowest
    /// hundredth reach.
    pub(crate) fn rates(place: &'static str, what: impl Into<String>, mut rates: Vec<f64>) -> Self {
        rates.sort_by(|left, right| right.total_cmp(left));
        Self { place, at_once: 1, what: what.into(), figures: Figures::Sorted(rates) }
    }

    /// One figure.
    pub(crate) fn single(place: &'static str, at_once: usize, what: impl Into<String>, figure: f64) -> Self {
        Self { place, at_once, what: what.into(), figures: Figures::Single(figure) }
    }
}

/// The figure that this share of all are as good as.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// The figure in the middle, of figures in any order.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    percentile(&sorted, 50)
}

/// Prints the table on standard output.
pub(crate) fn print(rows: &[Row]) {
    let mut text = format!(
        "\n{:<11} {:>7} {:>7}  {:<58} {:>9} {:>9} {:>9}\n",
        "where", "at once", "samples", "what", "p50", "p99", "worst"
    );
    for Row { place, at_once, what, figures } in rows {
        let _ = match figures {
            Figures::Sorted(sorted) => {
                let [p50, p99, worst] = [50, 99, 100].map(|percent| percentile(sorted, percent));
                let samples = sorted.len();
                writeln!(text, "{place:<11} {at_once:>7} {samples:>7}  {what:<58} {p50:>9.1} {p99:>9.1} {worst:>9.1}")
            }
            Figures::Single(figure) => {
                writeln!(text, "{place:<11} {at_once:>7} {:>7}  {what:<58} {figure:>9.2}", 1)
            }
        };
    }
    let _ = std::io::stdout().write_all(text.as_bytes());
}
