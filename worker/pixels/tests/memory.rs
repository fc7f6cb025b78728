//! How much memory a JPEG takes. Each test counts all of this process, so that
//! they run one after the other.
#![cfg(target_os = "linux")]

mod corpus;

use heim_common::spec::{Light, TranscodingSpec, default_specs};
use heim_pixels::{Limits, Transcoder};
use std::{
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn limits() -> Limits {
    Limits { pixels_max: 100_000_000, ..Limits::until(Instant::now() + Duration::from_mins(1)) }
}

/// A line of the kernel's account of this process, in bytes.
fn account(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux keeps an account of each process");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("it has such a line");
    let kib = line.trim_start_matches(':').split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok());
    kib.expect("a number of KiB") << 10
}

fn specs(light: Light) -> Vec<TranscodingSpec> {
    let mut specs = default_specs();
    for spec in &mut specs {
        spec.params.light = light;
    }
    specs
}

/// Its coefficients are 36.6 MB, and the pixels that are made of them 9.1.
#[test]
fn coefficients_and_pixels_of_a_progressive_photo_are_never_there_together() {
    let _alone = alone();
    let photo = corpus::read("photos/j12_nexus_prog_q92.jpg");
    for light in [Light::Gamma, Light::Linear] {
        fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = account("VmRSS");
        Transcoder::new().run(&photo, &specs(light), &limits(), &mut |_| Ok(())).unwrap();
        let most = account("VmHWM") - before;
        assert!(most < 40_000_000, "{most} bytes for {light:?}");
    }
}

#[test]
fn a_file_leaves_nothing_behind_wherever_it_is_damaged() {
    let _alone = alone();
    let mut transcoder = Transcoder::new();
    let specs = &default_specs()[..1];
    let photo = corpus::read("photos/orientation/Landscape_1.jpg");
    let mut damaged = |rounds: std::ops::Range<usize>| {
        for round in rounds {
            let mut file = photo.clone();
            // Now in the head, now in the scan.
            let at = if round % 2 == 0 { round % 700 } else { round * 7919 % file.len() };
            file[at..].iter_mut().take(9).for_each(|byte| *byte ^= 0x5a);
            let _ = transcoder.run(&file, specs, &limits(), &mut |_| Ok(()));
        }
    };
    damaged(0..100);
    let before = account("VmRSS");
    damaged(100..1_100);
    let grown = account("VmRSS").saturating_sub(before);
    assert!(grown < 2 << 20, "{grown} bytes after 1,000 files");
}
