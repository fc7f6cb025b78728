//! What each step of the pipeline costs for one real 12-megapixel photo: the
//! default specs, and the same sizes as JPEG in both lights, by turns; and what
//! animations cost. User and system time in milliseconds, the median of several runs with warm buffers.
//! `cargo bench -p heim-pixels --profile dev`
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use heim_common::spec::{Light, OutputType, Params, TranscodingSpec, default_specs};
use heim_pixels::{Limits, Step, Transcoder};
use rustix::time::{ClockId, clock_gettime};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
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

/// The default sizes as JPEG.
fn jpegs(light: Light) -> Vec<TranscodingSpec> {
    let mut specs = default_specs();
    for spec in &mut specs {
        spec.content_type = OutputType::Jpeg;
        spec.params.light = light;
        spec.params.animated = false;
    }
    specs
}

fn main() -> Result<(), Box<dyn Error>> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/photos");
    let photo = fs::read(corpus.join("j12_nexus6p_420_sRGB.jpg"))?;
    let sets = [
        ("WebP, by default", default_specs()),
        ("JPEG, as stored", jpegs(Light::Gamma)),
        ("JPEG, in linear light", jpegs(Light::Linear)),
    ];
    let mut transcoder = Transcoder::with_clock(cpu);
    let mut runs: Vec<Vec<Vec<(Step, Duration)>>> = vec![Vec::new(); sets.len()];
    for _ in 0..=RUNS {
        for ((_, specs), runs) in sets.iter().zip(&mut runs) {
            let limits = Limits::until(Instant::now() + Duration::from_mins(1));
            transcoder.run(&photo, specs, &limits, &mut |_| Ok(()))?;
            runs.push(transcoder.steps().to_vec());
        }
    }
    for ((name, _), runs) in sets.iter().zip(&runs) {
        print(name, runs)?;
    }
    animations(&corpus)
}

fn print(name: &str, runs: &[Vec<(Step, Duration)>]) -> Result<(), Box<dyn Error>> {
    // The first run pays for cold buffers.
    let (cold, warm) = runs.split_first().ok_or("no run")?;
    println!("\n{name}\n{:<12} {:>8} {:>8}", "step", "cold ms", "warm ms");
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

/// Animations as they move on in 320 pixels.
fn animations(corpus: &Path) -> Result<(), Box<dyn Error>> {
    println!("\n{:<36} {:>8} {:>8}", "animation", "warm ms", "bytes");
    for file in ["gif_earth_400_44f.gif", "gif_muybridge_472x298_380f.gif", "webp_anim_320x240_101f.webp"] {
        let original = fs::read(corpus.join(file))?;
        let params = Params { animated: true, ..Params::of_box(320, 320) };
        let spec = TranscodingSpec { name: "moving".parse()?, content_type: OutputType::Webp, params };
        let mut transcoder = Transcoder::with_clock(cpu);
        let (mut bytes, mut runs) = (0, Vec::new());
        for _ in 0..RUNS {
            let (start, limits) = (cpu(), Limits::until(Instant::now() + Duration::from_mins(1)));
            transcoder.run(&original, std::slice::from_ref(&spec), &limits, &mut |output| {
                bytes = output.bytes.len();
                Ok(())
            })?;
            runs.push(cpu().saturating_sub(start));
        }
        println!("{file:<36} {:>8.1} {bytes:>8}", median(runs));
    }
    Ok(())
}
