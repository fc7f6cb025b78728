//! What is measured beside the jobs: the memory of a real pixel child, and a
//! whole set beside the full decode of the `image` crate.

use crate::{
    figures::{geomean, median},
    jobs::Job,
    measure::ROUNDS,
    photos::{Photo, is_12_mp},
    side::{Answer, Side, Who},
};
use heim_common::spec::default_specs;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A file of so many megapixels that is no more than this.
pub(crate) struct Memory {
    pub(crate) title: &'static str,
    /// In 10⁶ bytes, as all of these.
    pub(crate) mb_max: f64,
    /// The most of any file that it is about.
    pub(crate) mb: Option<f64>,
}

/// Which files a bound is about.
type Meant = fn(&Photo) -> bool;

/// The most memory of a child of `heim-worker pixels` that makes the set that a
/// coordinator asks for where it is not told otherwise of one JPEG, by the JPEG's size.
pub(crate) fn memory(photos: &[Photo], folder: &Path) -> Vec<Memory> {
    let set = serde_json::to_value(default_specs()).expect("specs are JSON");
    let all: [(&'static str, Meant, f64); 4] = [
        ("12 MP JPEG, baseline", |photo| is_12_mp(photo) && !is_progressive(photo), 48.0),
        ("12 MP JPEG, progressive", |photo| is_12_mp(photo) && is_progressive(photo), 48.0),
        ("48 MP JPEG, baseline", |photo| (45_000_000..55_000_000).contains(&photo.pixels), 64.0),
        ("100 MP JPEG, baseline", |photo| (90_000_000..110_000_000).contains(&photo.pixels), 64.0),
    ];
    all.into_iter()
        .map(|(title, is_meant, mb_max)| {
            let meant =
                photos.iter().filter(|photo| photo.format == heim_common::header::Format::Jpeg && is_meant(photo));
            let mb = meant.filter_map(|photo| child_mb(photo, &set, folder)).reduce(f64::max);
            Memory { title, mb_max, mb }
        })
        .collect()
}

fn child_mb(photo: &Photo, set: &Value, folder: &Path) -> Option<f64> {
    let [file, out] = ["set.json", "child"].map(|name| folder.join(name));
    fs::write(&file, set.to_string()).expect("the target folder can be written to");
    let mut command = Command::new(heim_worker());
    command.arg("pixels").arg(&photo.path).arg("--set").arg(file).arg("--out").arg(out).args(["--jobs", "1"]);
    let output = command.output().expect("heim-worker runs");
    let report: Value = serde_json::from_slice(&output.stdout).ok()?;
    let entry = &report["inputs"][0];
    let bytes = entry["cost"]["memory_max"].as_f64().filter(|_| entry["failure"].is_null())?;
    Some(bytes / 1e6)
}

/// Built together with this.
fn heim_worker() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its own binary");
    let folder = own.parent().and_then(Path::parent).expect("benches are in target/PROFILE/deps");
    let worker = folder.join("heim-worker");
    assert!(worker.is_file(), "{} is not there: `make bench-pixels` builds it", worker.display());
    worker
}

/// CPU of the full decode alone by the `image` crate to that of a whole set.
pub(crate) struct BesideDecode {
    /// Of each 12-megapixel JPEG.
    pub(crate) ratios: Vec<f64>,
}

impl BesideDecode {
    pub(crate) fn geomean(&self) -> f64 {
        geomean(&self.ratios)
    }
}

/// By turns, like the jobs. `None` where the set cannot be made.
pub(crate) fn beside_decode(photos: &[Photo], job: &Job) -> Option<BesideDecode> {
    let of_job = photos.iter().filter(|photo| photo.format == job.format && (job.counts)(photo));
    let ratios: Vec<f64> =
        of_job.filter_map(|photo| by_turns(photo, [&Value::Null, &job.ours])).map(|[alone, set]| alone / set).collect();
    (!ratios.is_empty()).then_some(BesideDecode { ratios })
}

/// CPU milliseconds of two sets, each made by a process of its own.
pub(crate) fn by_turns(photo: &Photo, sets: [&Value; 2]) -> Option<[f64; 2]> {
    let mut sides = sets.map(|set| (Side::start(Who::Ours), set, Vec::new()));
    for round in 0..=ROUNDS {
        for (side, set, figures) in &mut sides {
            let order = json!({"file": photo.path, "set": set, "iterations": 1});
            let answer: Answer = side.ask(&order).ok().and_then(|answer| serde_json::from_value(answer).ok())?;
            // The first round warms up.
            figures.extend(answer.took.iter().map(|(cpu, _)| cpu).filter(|_| round > 0));
        }
    }
    Some(sides.map(|(_, _, figures)| median(&figures)))
}

/// By its frame header: memory of a progressive one grows with its pixels.
fn is_progressive(photo: &Photo) -> bool {
    let bytes = fs::read(&photo.path).unwrap_or_default();
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) {
        match marker {
            0xc2 => return true,
            0xc0 | 0xc1 | 0xda => return false,
            _ => at += 2 + (usize::from(high) << 8 | usize::from(low)),
        }
    }
    false
}
