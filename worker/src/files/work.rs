//! One file: read ▶ pixels ▶ write. Each transcoding is written as soon as it is
//! made, under its name only when it is whole.

use super::{
    inputs::Input,
    report::{Cost, Entry, Failure, Made},
};
use crate::children::{Original, OriginalBuffer, PixelFailure, PixelOutput, PixelWork, Pool, Step};
use heim_common::{
    job::Reason,
    limits::Limits,
    spec::{OutputType, TranscodingSpec},
};
use heim_pixels::can_write;
use heim_runtime::telemetry;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Of a read.
const CHUNK_BYTES: usize = 1 << 20;

/// What a file may be and take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes_max: u64,
    pub(super) pixels_max: u64,
    pub(super) deadline: Duration,
}

/// What goes wrong with a file.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{size} bytes are more than the {max} that are allowed")]
    TooLarge { size: u64, max: u64 },
    #[error("reading it")]
    Read(#[source] io::Error),
    #[error(transparent)]
    Pixels(#[from] PixelFailure),
    #[error("this build writes no {}", .0.content_type())]
    CannotWrite(OutputType),
    #[error("{}: writing it", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

impl Trouble {
    fn failure(&self) -> Failure {
        let reason = match self {
            Self::TooLarge { .. } => Reason::TooLarge,
            Self::Pixels(failure) => failure.reason(),
            Self::CannotWrite(_) => Reason::UnsupportedOutput,
            Self::Read(_) | Self::Write(..) => Reason::Internal,
        };
        Failure { reason, detail: telemetry::chain(self) }
    }
}

/// Works on one file and tells what came of it.
pub(super) async fn on(input: &Input, specs: &[TranscodingSpec], out: &Path, bounds: &Bounds, pool: &Pool) -> Entry {
    let mut entry = Entry {
        file: input.path.display().to_string(),
        bytes: None,
        description: None,
        failure: None,
        cost: Cost::default(),
        outputs: Vec::new(),
    };
    if let Err(trouble) = make(input, specs, out, bounds, pool, &mut entry).await {
        entry.failure = Some(trouble.failure());
    }
    entry
}

async fn make(
    input: &Input,
    specs: &[TranscodingSpec],
    out: &Path,
    bounds: &Bounds,
    pool: &Pool,
    entry: &mut Entry,
) -> Result<(), Trouble> {
    let original = read(&input.path, bounds.bytes_max)?;
    entry.bytes = Some(original.size());
    // As in a fleet: what this build cannot write costs nothing but itself.
    let (ours, others): (Vec<_>, Vec<_>) = specs.iter().partition(|spec| can_write(spec.content_type));
    let left = others.first().map_or(Ok(()), |spec| Err(Trouble::CannotWrite(spec.content_type)));
    if ours.is_empty() {
        return left;
    }
    let Bounds { pixels_max, deadline, .. } = *bounds;
    let Limits { animation_pixels_max, animation_frames_max, .. } = Limits::default();
    let specs = ours.iter().copied().cloned().collect();
    let work = PixelWork { original, specs, pixels_max, animation_pixels_max, animation_frames_max, deadline };
    let mut run = pool.run(work).await;
    let begun = Instant::now();
    loop {
        let step = run.next().await;
        if !matches!(step, Ok(Step::Output(_))) {
            entry.cost = Cost::new(run.spent(), begun.elapsed());
        }
        match step? {
            Step::Output(output) => {
                let spec = ours[output.index];
                let file = input.output(spec, out);
                write(&file, &output).map_err(|error| Trouble::Write(file.clone(), error))?;
                entry.outputs.push(Made {
                    name: spec.name.to_string(),
                    file: file.display().to_string(),
                    content_type: spec.content_type.content_type(),
                    bytes: output.bytes.len() as u64,
                    width: output.width,
                    height: output.height,
                });
            }
            Step::Done(description) => {
                entry.description = left.is_ok().then_some(description);
                return left;
            }
        }
    }
}

/// Straight into memory that a child can read.
fn read(path: &Path, bytes_max: u64) -> Result<Original, Trouble> {
    let mut file = File::open(path).map_err(Trouble::Read)?;
    let size = file.metadata().map_err(Trouble::Read)?.len();
    if size > bytes_max {
        return Err(Trouble::TooLarge { size, max: bytes_max });
    }
    let mut buffer = OriginalBuffer::new(size).map_err(Trouble::Read)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk).map_err(Trouble::Read)? {
            0 => return buffer.seal().map_err(Trouble::Read),
            read => buffer.write(&chunk[..read]).map_err(Trouble::Read)?,
        }
    }
}

/// Whoever sees the file sees all of it: it gets its name last.
fn write(path: &Path, output: &PixelOutput) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let written = File::create(&part).and_then(|mut file| file.write_all(&output.bytes));
    let named = written.and_then(|()| fs::rename(&part, path));
    named.inspect_err(|_| {
        // There may be nothing to remove.
        let _ = fs::remove_file(&part);
    })
}
