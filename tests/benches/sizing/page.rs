//! The figures as text: a part of `docs/benchmarks.md`, between two marks.

use crate::{
    Check, Cost, Step,
    load::{Measured, percentile},
};
use std::{fmt::Write as _, fs, path::Path};

const BEGIN: &str = "<!-- written by make bench-fleet: begin -->\n";
const END: &str = "<!-- written by make bench-fleet: end -->\n";

/// A line for whoever waits.
pub(crate) fn in_short(measured: &Measured) -> String {
    let Measured { uploads, waits, .. } = measured;
    let parts = measured.parts().iter().map(|(part, ms)| format!("{part} {ms:.1}")).collect::<Vec<_>>().join(", ");
    let (p50, p99) = (percentile(waits, 50), percentile(waits, 99));
    format!("{uploads} at {:.1} a second, p50 {p50:.0} ms, p99 {p99:.0} ms; CPU ms of each: {parts}", measured.rate())
}

/// All tables.
pub(crate) fn text(rounds: usize, costs: &[Cost], steps: &[Step], check: &Check) -> String {
    let optimised = if cfg!(debug_assertions) { ", **nothing optimised**" } else { "" };
    let rounds = format!("\nRounds of photos: {rounds} (8, unless it is a short run){optimised}.\n");
    format!("{rounds}{}{}{}{}", of_costs(costs), of_steps(steps), of_shares(steps), of_check(check))
}

fn of_costs(costs: &[Cost]) -> String {
    let mut text = "\n### What an upload takes\n\nMilliseconds of CPU time:\n\n\
        | | database | coordinators | workers | pixel children | PostgreSQL | Redis | all of these | without PostgreSQL ÷ pixels alone | (clients) |\n\
        |---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for Cost { what, kind, measured, alone } in costs {
        let parts = measured.parts();
        let ms = |part: &str| parts.iter().find(|(found, _)| *found == part).map_or(0.0, |(_, ms)| *ms);
        let all: f64 = parts.iter().filter(|(part, _)| *part != "clients").map(|(_, ms)| ms).sum();
        let ratio = alone.map_or("–".to_owned(), |alone| {
            format!("{:.3} ({:.0} ms alone)", (all - ms("PostgreSQL")) / alone, alone)
        });
        let of_part =
            ["coordinators", "workers", "pixel children", "PostgreSQL", "Redis"].map(|part| format!("{:.2}", ms(part)));
        let _ = writeln!(
            text,
            "| {what} | {kind} | {} | **{all:.1}** | {ratio} | {:.2} |",
            of_part.join(" | "),
            ms("clients")
        );
    }
    text
}

fn of_steps(steps: &[Step]) -> String {
    let mut text = "\n### When one coordinator is full\n\nDots, one coordinator, two workers with eight places each:\n\n\
        | database | at once | uploads/s | until ready: p50, p99 ms | longest forced page, ms | coordinator, of one core | all parts and clients, of one core |\n\
        |---|---|---|---|---|---|---|\n"
        .to_owned();
    for Step { kind, at_once, measured, .. } in steps.iter().filter(|step| step.share.is_none()) {
        let all: f64 = measured.parts().iter().map(|(_, ms)| ms).sum::<f64>() * measured.rate() / 1e3;
        let (p50, p99) = (percentile(&measured.waits, 50), percentile(&measured.waits, 99));
        let _ = writeln!(
            text,
            "| {kind} | {at_once} | {:.0} | {p50:.0}, {p99:.0} | {:.0} | {:.0} % | {:.0} % |",
            measured.rate(),
            measured.disk.as_secs_f64() * 1e3,
            measured.share("coordinators") * 100.0,
            all * 100.0
        );
    }
    text
}

/// Whose rate is that of a full core, where the coordinator was full: see the fifth column.
fn of_shares(steps: &[Step]) -> String {
    let mut text = "\n### One coordinator with a share of a core\n\nThe same, 16 at once; it may not take more, so that the machine has room for all others:\n\n\
        | database | of one core it had | uploads/s | until ready: p50, p99 ms | it took, of its share | all parts and clients, of one core | uploads/s ÷ share: with one core |\n\
        |---|---|---|---|---|---|---|\n"
        .to_owned();
    for Step { kind, share, measured, .. } in steps {
        let Some(percent) = share else { continue };
        let (share, rate) = (f64::from(*percent) / 100.0, measured.rate());
        let all: f64 = measured.parts().iter().map(|(_, ms)| ms).sum::<f64>() * rate / 1e3;
        let (p50, p99) = (percentile(&measured.waits, 50), percentile(&measured.waits, 99));
        let _ = writeln!(
            text,
            "| {kind} | {percent} % | {rate:.1} | {p50:.0}, {p99:.0} | {:.0} % | {:.0} % | **{:.0}** |",
            measured.share("coordinators") / share * 100.0,
            all * 100.0,
            rate / share
        );
    }
    text
}

fn of_check(check: &Check) -> String {
    let Check { predicted, asked, measured } = check;
    let mut text = format!(
        "\n### A run at 80 %\n\nPhotos, PostgreSQL, two coordinators, two workers: {predicted:.2} uploads a second are what all cores could do, \
         clients included, and {asked:.2} a second came, {} in all.\n\n\
         | part of the run | until ready: p50, p99, worst ms |\n|---|---|\n",
        measured.uploads
    );
    let part = measured.waits.len().div_ceil(4).max(1);
    for (number, waits) in measured.waits.chunks(part).enumerate() {
        let [p50, p99, worst] = [50, 99, 100].map(|percent| percentile(waits, percent));
        let _ = writeln!(text, "| quarter {} | {p50:.0}, {p99:.0}, {worst:.0} |", number + 1);
    }
    let [p50, p99, worst] = [50, 99, 100].map(|percent| percentile(&measured.waits, percent));
    let _ = writeln!(text, "| all | **{p50:.0}**, **{p99:.0}**, {worst:.0} |\n");
    text
}

/// Puts them between the marks.
pub(crate) fn write(text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
    let page = fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the page has the first mark");
    let (_, after) = rest.split_once(END).expect("the page has the second mark");
    fs::write(&path, format!("{before}{BEGIN}{text}{END}{after}")).expect("the page can be written");
}
