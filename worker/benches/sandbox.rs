//! What the children and their walls cost in CPU: every JPEG of the corpus into
//! four JPEGs, in this process and through the pool, by turns, and both in one run.
//! JPEG, since that is the least work of all: what comes on top shows most.
//!
//! Counted is all that anybody took: this process with all its threads, the
//! child, and the children that it replaced on the way.
//!
//! `cargo bench -p heim-worker --bench sandbox`

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and panics where it cannot go on")]

#[path = "../tests/worker/corpus.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod corpus;
#[path = "../tests/worker/processes.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod processes;

use corpus::{folder_of, real_child, work};
use heim_common::{
    header::Format,
    spec::{OutputType, TranscodingSpec, default_specs},
};
use heim_pixels::{Limits, Transcoder};
use heim_worker::{
    PixelsConfig, WorkerConfig,
    children::{PixelWork, Pool, Step},
};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use rustix::time::{ClockId, clock_gettime};
use std::{fs, num::NonZeroUsize, time::Duration};
use tokio::runtime::Runtime;

const ROUNDS: usize = 11;

fn clock(id: ClockId) -> Duration {
    Duration::try_from(clock_gettime(id)).unwrap()
}

/// Of this process, its child, and the children that are gone.
fn used_by_all() -> Duration {
    let gone = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let gone = (gone.user_time() + gone.system_time()).num_microseconds();
    let living = processes::children(std::process::id()).into_iter().map(processes::cpu_time).sum::<Duration>();
    clock(ClockId::ProcessCPUTime) + Duration::from_micros(gone.try_into().unwrap()) + living
}

fn specs() -> Vec<TranscodingSpec> {
    default_specs().into_iter().map(jpeg).collect()
}

fn jpeg(mut spec: TranscodingSpec) -> TranscodingSpec {
    spec.content_type = OutputType::Jpeg;
    spec.params.animated = false;
    spec
}

fn in_process(transcoder: &mut Transcoder, photo: &[u8]) -> bool {
    let limits = Limits::until(std::time::Instant::now() + Duration::from_mins(1));
    let mut bytes = 0;
    // As the pool's user has them: in memory of their own.
    let mut sink = |output: heim_pixels::Output<'_>| {
        bytes += std::hint::black_box(output.bytes.to_vec()).len();
        Ok(())
    };
    transcoder.run(photo, &specs(), &limits, &mut sink).is_ok()
}

/// The original is in its memfd before, where the worker reads it from the store.
async fn in_pool(pool: &Pool, ready: PixelWork) {
    let mut run = pool.run(ready).await;
    while let Step::Output(output) = run.next().await.unwrap() {
        std::hint::black_box(output.bytes);
    }
}

/// One pass over all photos: what this thread took for its own, and the rest.
fn round(
    runtime: &Runtime,
    transcoder: &mut Transcoder,
    pool: &Pool,
    photos: &[Vec<u8>],
    first: bool,
) -> [Duration; 2] {
    let (mut here, mut filling) = (Duration::ZERO, Duration::ZERO);
    let begun = used_by_all();
    for photo in photos {
        let before = clock(ClockId::ThreadCPUTime);
        let ready = PixelWork { specs: specs(), ..work(photo) };
        filling += clock(ClockId::ThreadCPUTime).saturating_sub(before);
        let mut own = || {
            let before = clock(ClockId::ThreadCPUTime);
            assert!(in_process(transcoder, photo));
            here += clock(ClockId::ThreadCPUTime).saturating_sub(before);
        };
        if first {
            own();
            runtime.block_on(in_pool(pool, ready));
        } else {
            runtime.block_on(in_pool(pool, ready));
            own();
        }
    }
    [here, used_by_all().saturating_sub(begun + here + filling)]
}

fn main() {
    let mut transcoder = Transcoder::new();
    let paths = fs::read_dir(folder_of("photos")).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.is_file()).map(|path| fs::read(path).unwrap());
    // Those that are within the limits. It is also the round that finds cold caches.
    let photos: Vec<_> = files
        .filter(|photo| Format::sniff(photo) == Some(Format::Jpeg) && in_process(&mut transcoder, photo))
        .collect();
    let runtime = Runtime::new().unwrap();
    let files_per_child = WorkerConfig::default().files_per_child;
    let pool = Pool::start(&real_child(), NonZeroUsize::MIN, files_per_child, PixelsConfig::default()).unwrap();
    println!("{}", pool.walls());
    round(&runtime, &mut transcoder, &pool, &photos, true);
    let mut rounds: Vec<_> =
        (0..ROUNDS).map(|number| round(&runtime, &mut transcoder, &pool, &photos, number % 2 == 0)).collect();
    rounds.sort_by(|one, other| ratio(one).total_cmp(&ratio(other)));
    let [least, median, most] = [0, ROUNDS / 2, ROUNDS - 1].map(|place| ratio(&rounds[place]));
    let [here, pool] = rounds[ROUNDS / 2];
    println!("{} JPEGs, {ROUNDS} rounds: {here:.1?} in this process, {pool:.1?} through the pool", photos.len());
    println!("pool / this process, CPU: {median:.4} ({least:.4} to {most:.4})");
}

fn ratio([here, pool]: &[Duration; 2]) -> f64 {
    pool.as_secs_f64() / here.as_secs_f64()
}
