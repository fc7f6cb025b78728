//! What a process of its own and its walls cost in time: one photo of 12
//! megapixels in this process and in a pixel child, alternately, to the first
//! output and to the last. What they cost in CPU is in `sandbox.rs`.
//!
//! `cargo bench -p heim-worker --bench children`

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and panics where it cannot go on")]

#[path = "../tests/worker/corpus.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod corpus;

use corpus::{PHOTO, original, photo, pool, real_child, work};
use heim_common::spec::default_specs;
use heim_pixels::{Limits, Transcoder};
use heim_worker::children::{PixelWork, Pool, Step};
use std::time::{Duration, Instant};

const ROUNDS: usize = 21;

/// Times of one round: to the first output, and to the last.
type Round = [Duration; 2];

fn in_process(transcoder: &mut Transcoder, bytes: &[u8]) -> Round {
    let begun = Instant::now();
    let limits = Limits { pixels_max: 100_000_000, ..Limits::until(begun + Duration::from_mins(1)) };
    let mut times = Vec::new();
    let mut sink = |_: heim_pixels::Output<'_>| {
        times.push(begun.elapsed());
        Ok(())
    };
    transcoder.run(bytes, &default_specs(), &limits, &mut sink).unwrap();
    [times[0], times[times.len() - 1]]
}

/// With or without the copy of the original into its memfd, which the worker
/// makes while it reads the store.
async fn in_child(pool: &Pool, bytes: &[u8], copy: bool) -> Round {
    let mut ready = work(bytes);
    let begun = Instant::now();
    if copy {
        ready = PixelWork { original: original(bytes), ..ready };
    }
    let mut run = pool.run(ready).await;
    let mut times = Vec::new();
    while let Step::Output(_) = run.next().await.unwrap() {
        times.push(begun.elapsed());
    }
    [times[0], times[times.len() - 1]]
}

fn report(name: &str, rounds: &mut [Round]) {
    let mut median = |which: usize| {
        rounds.sort_by_key(|round| round[which]);
        (rounds[rounds.len() / 2][which], rounds[0][which])
    };
    let [(first, first_best), (last, last_best)] = [median(0), median(1)];
    println!("{name:<28} first {first:>10.2?} (best {first_best:.2?})   last {last:>10.2?} (best {last_best:.2?})");
}

/// How much longer the last output took, round by round: the median, and both ends.
fn compare(here: &[Round], there: &[Round]) {
    let mut ratios: Vec<_> =
        here.iter().zip(there).map(|(here, there)| there[1].as_secs_f64() / here[1].as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    let (median, first, last) = (ratios[ratios.len() / 2], ratios[0], ratios[ratios.len() - 1]);
    println!("child / this process, wall   {median:.3} ({first:.3} to {last:.3})");
}

#[tokio::main]
async fn main() {
    let bytes = photo(PHOTO);
    let pool = pool(&real_child(), 1);
    println!("{}", pool.walls());
    let mut transcoder = Transcoder::new();
    // The first picture finds cold caches on either side.
    in_process(&mut transcoder, &bytes);
    in_child(&pool, &bytes, true).await;
    let (mut here, mut there, mut with_copy) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        here.push(in_process(&mut transcoder, &bytes));
        there.push(in_child(&pool, &bytes, false).await);
        with_copy.push(in_child(&pool, &bytes, true).await);
    }
    compare(&here, &there);
    report("in this process", &mut here);
    report("in a child", &mut there);
    report("in a child, memfd filled too", &mut with_copy);
}
