//! Our side: this binary, started again. It makes transcodings in its own
//! process, as a pixel child does.

use heim_common::spec::TranscodingSpec;
use heim_pixels::{Limits, Transcoder};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    error::Error,
    fs,
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use zune_jpeg::{JpegDecoder, zune_core::bytestream::ZCursor};

#[derive(Deserialize)]
struct Order {
    file: PathBuf,
    /// Nothing of it, where the file is to be decoded as the `image` crate does.
    set: Option<Vec<TranscodingSpec>>,
    iterations: usize,
    /// To be followed by a point and the number of a spec.
    out: Option<String>,
}

/// Takes orders until there are no more.
pub(crate) fn work() -> io::Result<()> {
    let mut transcoder = Transcoder::new();
    let mut out = io::stdout().lock();
    writeln!(out, "ready")?;
    for line in io::stdin().lock().lines() {
        let order: Result<Order, _> = serde_json::from_str(&line?);
        let answer = order.map_err(Into::into).and_then(|order| match &order.set {
            Some(set) => transcode(&mut transcoder, &order, set),
            None => decode(&order),
        });
        let answer = answer.unwrap_or_else(|error| json!({ "error": chain(&*error) }));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn transcode(transcoder: &mut Transcoder, order: &Order, set: &[TranscodingSpec]) -> Result<Value, Box<dyn Error>> {
    let original = fs::read(&order.file)?;
    let (mut took, mut outputs) = (Vec::new(), Vec::new());
    for iteration in 0..order.iterations {
        outputs.clear();
        let (cpu_before, begun) = (cpu(), Instant::now());
        let limits = Limits { pixels_max: u64::MAX, ..Limits::until(begun + Duration::from_mins(10)) };
        let mut sink = |output: heim_pixels::Output<'_>| {
            // Kept only when somebody is to look at it.
            let bytes = (iteration == 0 && order.out.is_some()).then(|| output.bytes.to_vec());
            outputs.push((output.index, output.bytes.len(), output.width, output.height, bytes));
            Ok(())
        };
        transcoder.run(&original, set, &limits, &mut sink)?;
        took.push((millis(cpu().saturating_sub(cpu_before)), millis(begun.elapsed())));
        if let (0, Some(out)) = (iteration, &order.out) {
            for (index, .., bytes) in &outputs {
                fs::write(format!("{out}.{index}"), bytes.as_deref().unwrap_or_default())?;
            }
        }
    }
    let outputs: Vec<Value> = (outputs.iter())
        .map(|(index, bytes, width, height, _)| json!({"index": index, "bytes": bytes, "width": width, "height": height}))
        .collect();
    Ok(json!({ "took": took, "peak_kib": peak_kib()?, "outputs": outputs }))
}

/// What the pixels alone take of the decoder that the `image` crate has for JPEG.
fn decode(order: &Order) -> Result<Value, Box<dyn Error>> {
    let original = fs::read(&order.file)?;
    let mut took = Vec::new();
    for _ in 0..order.iterations {
        let (cpu_before, begun) = (cpu(), Instant::now());
        let pixels = JpegDecoder::new(ZCursor::new(&original)).decode();
        std::hint::black_box(pixels.map_err(|error| error.to_string())?);
        took.push((millis(cpu().saturating_sub(cpu_before)), millis(begun.elapsed())));
    }
    Ok(json!({ "took": took, "peak_kib": peak_kib()?, "outputs": [] }))
}

/// An error and all that it came from.
fn chain(error: &dyn Error) -> String {
    std::iter::successors(Some(error), |&error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// User and system time of this process.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn peak_kib() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string(Path::new("/proc/self/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("the kernel does not tell it")?.parse()?)
}
