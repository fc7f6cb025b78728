//! What a process counts, for Prometheus: every number with its name, its kind
//! and its meaning, and the page that shows them all.

pub use metrics_exporter_prometheus::BuildError;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{convert::Infallible, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

/// How often what was observed is added up. Until then each observation takes
/// memory, and perhaps nobody ever asks for the page.
const UPKEEP: Duration = Duration::from_secs(5);

/// One number, or one for each of its labels' values.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// Its name, with its unit.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// What it says, as a sentence.
    pub meaning: &'static str,
}

/// How a number behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is what it is now.
    Gauge,
    /// How many observations were at most so much, for each of these.
    Histogram(&'static [f64]),
}

/// The page of all numbers of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Page(PrometheusHandle);

/// Counts from now on, for the whole process. Where somebody counts already, the
/// page stays empty.
///
/// # Errors
/// If a histogram has no buckets.
pub fn begin(all: &[&[Measure]]) -> Result<Page, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for Measure { name, kind, meaning: _ } in all.iter().copied().flatten() {
        if let Kind::Histogram(buckets) = kind {
            builder = builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), buckets)?;
        }
    }
    let recorder = builder.build_recorder();
    let page = Page(recorder.handle());
    let _ = metrics::set_global_recorder(recorder);
    for Measure { name, kind, meaning } in all.iter().copied().flatten() {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *meaning),
            Kind::Gauge => metrics::describe_gauge!(*name, *meaning),
            Kind::Histogram(_) => metrics::describe_histogram!(*name, *meaning),
        }
    }
    Ok(page)
}

impl Page {
    /// Its media type: Prometheus' text format 0.0.4.
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// As it is now.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps it small, for as long as it is polled.
    pub async fn keep(&self) -> Infallible {
        let mut ticks = interval(UPKEEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.0.run_upkeep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_page_says_what_was_counted_and_what_it_means() {
        const ALL: &[Measure] = &[
            Measure { name: "a_total", kind: Kind::Counter, meaning: "How many." },
            Measure { name: "b_seconds", kind: Kind::Histogram(&[0.5, 1.0]), meaning: "How long." },
        ];
        let page = begin(&[ALL]).unwrap();
        metrics::counter!("a_total", "lane" => "bulk").increment(2);
        let took = metrics::histogram!("b_seconds");
        assert!(page.render().contains("b_seconds_count 0"), "what was never observed is there as well");
        took.record(0.7);
        tokio::select! {
            never = page.keep() => match never {},
            () = tokio::time::sleep(UPKEEP * 2) => {}
        }
        let text = page.render();
        for line in [
            "# HELP a_total How many.",
            "# TYPE a_total counter",
            "a_total{lane=\"bulk\"} 2",
            "# TYPE b_seconds histogram",
            "b_seconds_bucket{le=\"0.5\"} 0",
            "b_seconds_bucket{le=\"1\"} 1",
            "b_seconds_sum 0.7",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
