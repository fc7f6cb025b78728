//! What each step of the pipeline costs for one real 12-megapixel photo and the
//! default specs: user and system time in milliseconds, the median of several
//! runs with warm buffers. `cargo bench -p heim-pixels --profile dev`
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use heim_common::spec::default_specs;
use heim_pixels::{Limits, Step, Transcoder};
use rustix::time::{ClockId, clock_gettime};
use std::{
    error::Error,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

const RUNS: usize = 11;

/// User and system time of this process.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

fn median(mut figures: Vec<Duration>) -> f64 {
    figures.sort_unstable();
    figures[figures.len() / 2].as_secs_f64() * 1e3
}

fn main() -> Result<(), Box<dyn Error>> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/photos");
    let photo = fs::read(corpus.join("j12_nexus6p_420_sRGB.jpg"))?;
    let specs = default_specs();
    let mut transcoder = Transcoder::with_clock(cpu);
    let mut runs: Vec<Vec<(Step, Duration)>> = Vec::new();
    for _ in 0..=RUNS {
        let limits = Limits { pixels_max: 100_000_000, deadline: Instant::now() + Duration::from_mins(1) };
        transcoder.run(&photo, &specs, &limits, &mut |_| Ok(()))?;
        runs.push(transcoder.steps().to_vec());
    }
    // The first run pays for cold buffers.
    let (cold, warm) = runs.split_first().ok_or("no run")?;
    println!("{:<12} {:>8} {:>8}", "step", "cold ms", "warm ms");
    let mut sum = 0.0;
    for (index, (step, first)) in cold.iter().enumerate() {
        let ms = median(warm.iter().map(|run| run[index].1).collect());
        println!("{:<12} {:>8.2} {ms:>8.2}", step.to_string(), first.as_secs_f64() * 1e3);
        sum += ms;
        if *step == Step::Encode {
            println!("{sum:>29.2} ms until this output");
        }
    }
    Ok(())
}
