//! `make bench-pixels`: what transcodings cost, and how good they are, beside
//! sharp and Pillow, by turns. Writes `docs/benchmarks.md`, and fails where a
//! target is missed.
//!
//! `PHOTOS` is another folder of pictures, `JOBS` the keys of some jobs for whoever
//! works on them: the page is written by neither.

mod bounds;
mod figures;
mod jobs;
mod lights;
mod measure;
mod ours;
mod page;
mod photos;
mod reference;
mod score;
mod side;
mod targets;

use score::Scorer;
use side::root;
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};
use targets::Target;

fn main() -> ExitCode {
    // Started again by itself, as a side.
    if std::env::args().nth(1).as_deref() == Some(side::OURS) {
        return if ours::work().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let given = variable("PHOTOS");
    let folder = given.as_ref().map_or_else(|| root().join("../shared/corpus/photos"), PathBuf::from);
    let photos = photos::photos(&folder);
    assert!(!photos.is_empty(), "{}: no pictures are there", folder.display());
    let target = root().join("target/bench-pixels");
    let wanted = variable("JOBS");
    let mut scorer = Scorer::open(target.join("references"));
    let (mut all, mut tables) = (Vec::new(), Vec::new());
    for job in jobs::jobs() {
        if wanted.as_ref().is_some_and(|keys| !keys.split(',').any(|key| key == job.key)) {
            continue;
        }
        say(&format!("{} …\n", job.title));
        let mut measured = measure::measure(job, &photos, &target);
        measure::score(&mut measured, &target, &mut scorer);
        let table = page::of_job(&measured);
        say(&table);
        tables.push(table);
        all.push(measured);
    }
    let memory = bounds::memory(&photos, &target);
    let made = |key: &str| all.iter().find(|measured| measured.job.key == key && measured.not_built.is_none());
    let (gamma, linear) = (made("jpeg-jpeg"), made("jpeg-jpeg-linear"));
    let decode = gamma.and_then(|measured| bounds::beside_decode(&photos, &measured.job));
    tables.extend(gamma.zip(linear).map(|both| lights::table(both.into(), &photos, &target, &mut scorer)));
    let mut targets: Vec<_> = all.iter().flat_map(targets::of_job).collect();
    targets.extend(targets::of_bounds(&memory, decode.as_ref()));
    tables.insert(0, page::of_targets(&targets));
    say(&format!("\n{}{}", tables[0], tables.last().map_or("", String::as_str)));
    if wanted.is_none() && given.is_none() {
        page::write(&root().join("docs/benchmarks.md"), &tables.concat());
    }
    let missed: Vec<_> = targets.iter().filter(|target| !target.is_met).collect();
    say(&format!("\n{} of {} targets are met\n", targets.len() - missed.len(), targets.len()));
    for Target { title, what, figure, bound, .. } in &missed {
        say(&format!("missed: {title}: {what}: {figure}, {bound}\n"));
    }
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "what is measured is for whoever starts it to say")]
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn say(text: &str) {
    // Nobody reads what cannot be printed.
    let _ = io::stdout().write_all(text.as_bytes());
}
