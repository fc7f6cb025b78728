//! Every hostile file through the real pool, behind its walls: no child dies, no
//! file takes long or much, no verdict is missed, and no file that was
//! refused has a successor in the same child. A test binary of its own, since it looks at
//! the children of the whole process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

#[path = "worker/corpus.rs"]
#[expect(dead_code, reason = "the other test binary uses all of it")]
mod corpus;
#[path = "../pixels/tests/promises/outputs.rs"]
mod outputs;
#[path = "worker/processes.rs"]
#[expect(dead_code, reason = "the bench uses all of it")]
mod processes;

use corpus::{every_type, read, real_child, work};
use heim_common::{job::Reason, media::Description};
use heim_worker::{
    PixelsConfig,
    children::{PixelFailure, PixelOutput, PixelWork, Pool, Spent, Step},
};
use std::{
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

const WALL_MAX: Duration = Duration::from_secs(5);
/// Far off, since a machine that is busy with other things proves nothing.
const DEADLINE: Duration = Duration::from_mins(2);
/// Of a child, for one file.
const CPU_MAX: Duration = Duration::from_secs(2);
const MEMORY_MAX: u64 = 512 << 20;
/// What is planted in the metadata of some files.
const CANARY: &[u8] = b"CANARY7f3a";

/// One line of the manifest.
struct Known<'a> {
    file: &'a str,
    expected: &'a str,
    checks: &'a str,
}

/// What came of one.
struct End {
    outputs: Vec<PixelOutput>,
    last: Result<Description, PixelFailure>,
    spent: Option<Spent>,
    /// Without the time for which other processes had the processor.
    wall: Duration,
}

impl Known<'_> {
    /// What is wrong with how it ended.
    fn complaint(&self, End { outputs, last, spent, wall }: &End) -> Option<String> {
        let Some(spent) = spent else { return Some(format!("nobody knows what it took: {last:?}")) };
        if *wall > WALL_MAX || spent.cpu > CPU_MAX || spent.memory_max > MEMORY_MAX {
            return Some(format!("{wall:?}, {spent:?}"));
        }
        if outputs.iter().any(|output| output.bytes.windows(CANARY.len()).any(|bytes| bytes == CANARY)) {
            return Some("metadata came through".to_owned());
        }
        // What comes before a failure is good as well.
        let described = outputs.first().and_then(|output| output.description.as_ref());
        if let Some(flaw) = outputs.iter().find_map(|output| flaw(output, described?)) {
            return Some(flaw);
        }
        match last {
            Ok(_) if self.expected == "reject" => Some("accepted".to_owned()),
            Ok(_) if outputs.len() != every_type().len() => Some(format!("{} outputs", outputs.len())),
            Ok(description) => self
                .checks
                .split(';')
                .find(|check| !holds(check, description))
                .map(|check| format!("{check}: {}x{}", description.width, description.height)),
            Err(PixelFailure::Refused { reason, .. }) if self.expected != "accept" && *reason != Reason::Internal => {
                None
            }
            Err(failure) => Some(failure.to_string()),
        }
    }
}

/// What is wrong with an output, whatever it was made of.
fn flaw(output: &PixelOutput, description: &Description) -> Option<String> {
    let &PixelOutput { index, width, height, ref bytes, .. } = output;
    let made = heim_pixels::Output { index, width, height, bytes, description };
    let held = catch_unwind(AssertUnwindSafe(|| outputs::are_as_asked_for(&made, &every_type()[index])));
    let words = held.err()?;
    Some(format!("output {index}: {}", words.downcast_ref::<String>().map_or("not as asked for", String::as_str)))
}

/// Whether what the manifest says of the size is so.
fn holds(check: &str, description: &Description) -> bool {
    let (width, height) = (u64::from(description.width), u64::from(description.height));
    let Some((kind, size)) = check.split_once('=') else { return true };
    let (wide, high) = size.split_once('x').unwrap();
    let (wide, high): (u64, u64) = (wide.parse().unwrap(), high.parse().unwrap());
    match kind {
        "dims" => (width, height) == (wide, high),
        "aspect" => width * high == height * wide,
        "aspect-any" => width * high == height * wide || width * wide == height * high,
        other => panic!("{other} is no check that this test knows"),
    }
}

/// The child, or the next one, where a file has killed it.
async fn child() -> i32 {
    let found = async {
        loop {
            if let Some(&pid) = processes::children(std::process::id()).first() {
                return pid;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.expect("there is no child")
}

async fn run(pool: &Pool, pid: i32, bytes: &[u8]) -> End {
    let work = PixelWork { specs: every_type(), deadline: DEADLINE, ..work(bytes) };
    let (begun, waited) = (Instant::now(), processes::waiting_time(pid));
    let mut run = pool.run(work).await;
    let mut outputs = Vec::new();
    let last = loop {
        match run.next().await {
            Ok(Step::Output(output)) => outputs.push(output),
            Ok(Step::Done(description)) => break Ok(description),
            Err(failure) => break Err(failure),
        }
    };
    let waited = processes::waiting_time(pid).saturating_sub(waited);
    End { outputs, last, spent: run.spent(), wall: begun.elapsed().saturating_sub(waited) }
}

#[tokio::test]
async fn hostile_files_harm_nothing() {
    let pixels = PixelsConfig { require_sandbox: true, ..PixelsConfig::default() };
    // One child sees all that it may, so that none can hide what it does to the next.
    let pool = Pool::start(&real_child(), NonZeroUsize::MIN, u32::MAX, pixels).unwrap();
    let manifest = String::from_utf8(read("hostile", "manifest.tsv")).unwrap();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    let (mut longest, mut costliest, mut largest) = ((Duration::ZERO, ""), (Duration::ZERO, ""), (0, ""));
    for line in manifest.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let known = Known { file: fields[0], expected: fields[4], checks: fields[5] };
        let bytes = read("hostile", known.file);
        let before = child().await;
        let end = run(&pool, before, &bytes).await;
        seen += 1;
        if (child().await == before) != end.last.is_ok() {
            wrong.push(format!("{}: another child, or the same, after {:?}", known.file, end.last));
        }
        wrong.extend(known.complaint(&end).map(|complaint| format!("{}: {complaint}", known.file)));
        longest = longest.max((end.wall, known.file));
        if let Some(Spent { cpu, memory_max }) = end.spent {
            costliest = costliest.max((cpu, known.file));
            largest = largest.max((memory_max >> 20, known.file));
        }
    }
    println!("{seen} files; longest {longest:?}, most CPU {costliest:?}, most memory {largest:?} MiB");
    assert!(wrong.is_empty(), "{} of {seen}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen >= 963, "the manifest lists only {seen} files");
}
