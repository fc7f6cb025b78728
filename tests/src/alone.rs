//! What pixels take without a fleet around them.

use crate::{corpus, process::Launch};
use serde_json::Value;
use std::{fs, time::Duration};

/// CPU time of one of [`corpus::PHOTOS`], on the average of all of them, by the report of
/// `heim-worker pixels`, which makes of it what a fleet makes.
pub async fn pixels_of_a_photo() -> Duration {
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
