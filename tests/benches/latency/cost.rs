//! What CPU time an upload takes in all, and what its pixels alone take.

use heim_tests::{corpus, process::Launch, spent::Spent};
use serde_json::Value;
use std::{fmt, fs, time::Duration};

/// Of the uploads of one measurement in a fleet.
pub(crate) struct Cost {
    pub(crate) at_once: usize,
    pub(crate) uploads: usize,
    pub(crate) spent: Spent,
    /// Of one photo on the average, before and after it.
    pub(crate) pixels: [Duration; 2],
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at_once, uploads, spent, pixels: [before, after] } = self;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let all = ms(spent.without_database()) / f64::from(u32::try_from(*uploads).map_err(|_| fmt::Error)?);
        let pixels = f64::midpoint(ms(*before), ms(*after));
        writeln!(f, "CPU of an upload, {at_once} at once: {}", spent.of_each(*uploads))?;
        let ratio = all / pixels;
        writeln!(f, "  without PostgreSQL {all:.1} ms, {ratio:.3} times its pixels alone ({pixels:.1} ms)")
    }
}

/// What the pixels of one of the photos take, on the average of all of them, by
/// the report of `heim-worker pixels`.
pub(crate) async fn of_pixels_alone() -> Duration {
    let folder = tempfile::tempdir().expect("a temp folder can be made");
    let path = |name: &str| folder.path().join(name).to_str().expect("temp folders have plain names").to_owned();
    let photos =
        corpus::PHOTOS.map(|photo| corpus::path(photo).to_str().expect("the corpus has plain names").to_owned());
    let (out, report) = (path("out"), path("report"));
    let mut arguments = vec!["pixels", "--jobs", "1", "--out", &out, "--report", &report];
    arguments.extend(photos.iter().map(String::as_str));
    let ended = Launch::new("heim-worker", folder.path()).arguments(&arguments).run().await;
    assert!(ended.status.success(), "{ended:?}");
    let report: Value = serde_json::from_slice(&fs::read(&report).expect("it was written")).expect("it is JSON");
    let ms = report["total"]["cpu_ms"].as_f64().expect("the child's time is known");
    Duration::from_secs_f64(ms / 1e3) / u32::try_from(photos.len()).expect("there are few")
}
