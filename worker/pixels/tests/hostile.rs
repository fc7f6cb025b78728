//! Every hostile file: no panic, no crash, no limit passed, and those that are
//! known to be good or bad are told apart.

mod corpus;
#[path = "promises/outputs.rs"]
mod outputs;

use heim_common::{job::Reason, spec::default_specs};
use heim_pixels::{Limits, Transcoder};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

const PIXELS_MAX: u64 = 50_000_000;
const DEADLINE: Duration = Duration::from_secs(10);

#[test]
fn hostile_files_harm_nothing() {
    let manifest = String::from_utf8(corpus::read("hostile/manifest.tsv")).unwrap();
    let specs = default_specs();
    let mut transcoder = Transcoder::new();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for line in manifest.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (file, expected) = (fields[0], fields[4]);
        let bytes = corpus::read(&format!("hostile/{file}"));
        let start = Instant::now();
        let limits = Limits { pixels_max: PIXELS_MAX, ..Limits::until(start + DEADLINE) };
        let ran = catch_unwind(AssertUnwindSafe(|| {
            transcoder.run(&bytes, &specs, &limits, &mut |output| {
                outputs::are_as_asked_for(&output, &specs[output.index]);
                Ok(())
            })
        }));
        seen += 1;
        let took = start.elapsed();
        if took > DEADLINE {
            wrong.push(format!("{file}: took {took:?}"));
        }
        match ran {
            Err(_) => {
                wrong.push(format!("{file}: panicked"));
                transcoder = Transcoder::new();
            }
            Ok(Ok(_)) if expected == "reject" => wrong.push(format!("{file}: accepted")),
            Ok(Err(error)) if expected == "accept" => wrong.push(format!("{file}: {error:?}")),
            Ok(Err(error)) if error.reason() == Reason::Internal => wrong.push(format!("{file}: {error:?}")),
            Ok(_) => {}
        }
    }
    assert!(seen > 900, "the manifest lists only {seen} files");
    assert!(wrong.is_empty(), "{} of {seen}:\n{}", wrong.len(), wrong.join("\n"));
}
