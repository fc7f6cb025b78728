//! `heim-worker pixels`: does with files what the fleet does with media objects,
//! in the same children and under the same limits. For bug reports, for
//! measuring, and for people without a fleet: it knows no queue, no store, no
//! coordinator and no configuration.
//!
//! Everything that can be wrong with the order itself is said before the first
//! file is touched. What is wrong with a file is said in the report, and the
//! other files are worked on all the same.

mod inputs;
mod report;
mod set;
mod work;

use crate::{
    children::{ChildCommand, Pool, PoolError},
    config::{PixelsConfig, WorkerConfig},
};
use futures_util::{StreamExt, stream};
use heim_common::{limits::Limits, spec::TranscodingSpec};
use heim_runtime::{ready, telemetry};
use indicatif::{ProgressBar, ProgressStyle};
use inputs::{Input, InputError};
use report::{Report, Total};
use set::SetError;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};
use work::Bounds;

/// What was asked for cannot be begun, or not be told of.
const REFUSED: u8 = 2;

/// Makes transcodings of files, as the fleet makes them of media objects
///
/// Ends with 0 if every transcoding of every file was made, with 1 if a file was
/// refused or something went wrong with it (the report says what; all others
/// were worked on), and with 2 if nothing was begun or the report cannot be written.
#[derive(Debug, clap::Args)]
pub struct FilesArguments {
    /// Files, and folders with all the files in them.
    #[arg(value_name = "IN", required = true)]
    inputs: Vec<PathBuf>,
    /// Where transcodings are written: as `<file>.<name>.<type>`, in folders as those that were given have them.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What to make, as .json or .toml: the specs of `transcodings.image`; without it, the default set.
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    /// Where the report is written; without it, to standard output.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Files at a time, each in a child; without it, one a core.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Most pixels that a file may declare.
    #[arg(long, value_name = "N", default_value_t = Limits::default().pixels_max)]
    pixels_max: u64,
    /// Wall seconds that a file may take.
    #[arg(long, value_name = "N", default_value_t = Limits::default().pixel_seconds)]
    seconds: u64,
    /// End with 0 also where files were refused for what they are: of no known type, damaged, too many pixels, too costly.
    #[arg(long)]
    refusals_ok: bool,
}

/// Why nothing was begun, or the report not written.
#[derive(Debug, thiserror::Error)]
enum FilesError {
    #[error("{}", .0.display())]
    Set(PathBuf, #[source] SetError),
    #[error(transparent)]
    Inputs(#[from] InputError),
    #[error("{}: nothing can be written to this folder", .0.display())]
    Out(PathBuf, #[source] io::Error),
    #[error("{}: the report cannot be written", .0.display())]
    Report(PathBuf, #[source] io::Error),
    #[error("starting the runtime")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Pool(#[from] PoolError),
}

/// Carries out the command.
#[must_use]
pub fn main(arguments: &FilesArguments) -> ExitCode {
    match carry_out(arguments) {
        Ok(total) if total.is_well(arguments.refusals_ok) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            ready::complain(&format!("heim-worker: {}\n", telemetry::chain(&error)));
            ExitCode::from(REFUSED)
        }
    }
}

fn carry_out(arguments: &FilesArguments) -> Result<Total, FilesError> {
    let FilesArguments { inputs, out, set, report, jobs, pixels_max, seconds, refusals_ok: _ } = arguments;
    let specs = set::specs(set.as_deref()).map_err(|error| FilesError::Set(set.clone().unwrap_or_default(), error))?;
    let inputs = inputs::find(inputs, out)?;
    let cannot_write = |error| FilesError::Out(out.clone(), error);
    can_write(out).map_err(cannot_write)?;
    inputs::check_outputs(&inputs, &specs, out)?;
    let report_file = report.as_ref().map(|path| open_report(path)).transpose()?;
    let bounds = Bounds {
        bytes_max: WorkerConfig::default().original_bytes_max,
        pixels_max: *pixels_max,
        deadline: Duration::from_secs(*seconds),
    };
    let jobs = jobs.unwrap_or_else(|| WorkerConfig::default().slots());
    let report = all(&inputs, specs, out, &bounds, jobs)?;
    let text = report.json();
    match (report_file, &arguments.report) {
        (Some(mut file), Some(path)) => {
            let written = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
            written.map_err(|error| FilesError::Report(path.clone(), error))?;
        }
        _ => ready::print(&text),
    }
    Ok(report.total)
}

/// Works on all files, so many at a time, and tells of them in their order.
fn all(
    inputs: &[Input],
    specs: Vec<TranscodingSpec>,
    out: &Path,
    bounds: &Bounds,
    jobs: NonZeroUsize,
) -> Result<Report, FilesError> {
    let runtime = tokio::runtime::Runtime::new().map_err(FilesError::Runtime)?;
    let begun = Instant::now();
    let files_per_child = WorkerConfig::default().files_per_child;
    let pool = Pool::start(&ChildCommand::this_binary(), jobs, files_per_child, PixelsConfig::default())?;
    // There is no log here.
    for (wall, why) in pool.walls().missing() {
        let (wall, remedy) = (wall.as_str(), wall.remedy());
        ready::complain(&format!(
            "heim-worker: the wall `{wall}` around the pixel children is missing: {why}; {remedy}\n"
        ));
    }
    let bar = progress(inputs.len());
    let work = stream::iter(inputs).map(async |input| {
        let entry = work::on(input, &specs, out, bounds, &pool).await;
        bar.inc(1);
        entry
    });
    let entries = runtime.block_on(work.buffered(jobs.get()).collect());
    bar.finish_and_clear();
    Ok(Report::new(specs, entries, begun.elapsed()))
}

/// On standard error, and only where that is a terminal.
fn progress(files: usize) -> ProgressBar {
    let bar = ProgressBar::new(files as u64);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} files, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// Makes the folder, and shows that files can be written to it.
fn can_write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".heim-worker-{}", std::process::id()));
    File::create(&probe)?;
    fs::remove_file(probe)
}

/// What is in it stays there until there is a report to replace it.
fn open_report(path: &Path) -> Result<File, FilesError> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    file.map_err(|error| FilesError::Report(path.to_owned(), error))
}
