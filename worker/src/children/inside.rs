//! The code that runs inside a pixel child.
//!
//! It reads requests from its standard input, which is a socket, until that is
//! closed. It opens nothing, connects to nothing and logs nothing but its own
//! failure.

use super::{
    protocol::{OUTPUT_BYTES_MAX, OutputReport, Report, Request},
    socket::{ReceiveError, hung_up, receive_with_files, send},
    walls::raise,
    warm_up::warm_up,
};
use heim_common::job::Reason;
use heim_pixels::{Limits, Output, PixelError, SinkClosed, Transcoder};
use heim_runtime::{failpoint, forbid_core_dumps};
use rustix::process::{Signal, set_parent_process_death_signal};
use std::{
    error::Error,
    fs::File,
    io::{self, Read, Seek, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::FileExt,
    },
    process::ExitCode,
    time::{Duration, Instant},
};

/// The argument by which a binary knows that it is to be a pixel child.
pub const PIXEL_CHILD_ARG: &str = "pixel-child";

/// Why a child ends before its time.
#[derive(Debug, thiserror::Error)]
enum ChildError {
    #[error("tying the pixel child's life to its parent's")]
    Parent(#[source] io::Error),
    #[error("forbidding core dumps")]
    CoreDumps(#[source] io::Error),
    #[error("making the first picture")]
    WarmUp(#[from] PixelError),
    #[error("taking a request")]
    Receive(#[from] ReceiveError),
    #[error("reading the original")]
    Original(#[source] io::Error),
    #[error("writing an output")]
    Output(#[source] io::Error),
    #[error("sending a report")]
    Send(#[source] io::Error),
}

/// `main` of a pixel child: a binary calls it before anything else when its
/// first argument is [`PIXEL_CHILD_ARG`], and returns what it returns.
#[must_use]
pub fn pixel_child_main() -> ExitCode {
    match serve(io::stdin().as_fd()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "pixel child: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn serve(socket: BorrowedFd<'_>) -> Result<(), ChildError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| ChildError::Parent(error.into()))?;
    // A parent that died before that line will send no signal any more, but it
    // has left a socket without another end.
    if hung_up(socket).map_err(ChildError::Parent)? {
        return Ok(());
    }
    // A child may well crash, and its memory holds somebody's picture.
    forbid_core_dumps().map_err(ChildError::CoreDumps)?;
    let mut transcoder = Transcoder::new();
    warm_up(&mut transcoder)?;
    // After the last thing that needs the system, before the first byte of
    // anybody's file.
    let walls = raise();
    let mut original = Vec::new();
    send(socket, &Report::Ready { walls }, &[]).map_err(ChildError::Send)?;
    while let Some((request, [input, output])) = receive_with_files::<Request>(socket)? {
        let deadline = Instant::now() + Duration::from_millis(request.deadline_ms);
        read_original(input, request.size, &mut original).map_err(ChildError::Original)?;
        transcoder.decode_by(request.decoders);
        let Request { pixels_max, animation_pixels_max, animation_frames_max, decoded_bytes_max, scans_max, .. } =
            request;
        let limits =
            Limits { pixels_max, animation_pixels_max, animation_frames_max, decoded_bytes_max, scans_max, deadline };
        let report = transcode(socket, &mut transcoder, &original, &request, &limits, &output)?;
        send(socket, &report, &[]).map_err(ChildError::Send)?;
    }
    Ok(())
}

/// Fills the buffer, which keeps its memory from file to file: fresh pages
/// would cost more than the copy.
fn read_original(mut input: File, size: u64, original: &mut Vec<u8>) -> io::Result<()> {
    original.clear();
    original.reserve(usize::try_from(size).map_err(|_| io::ErrorKind::FileTooLarge)?);
    input.rewind()?;
    let read = input.take(size).read_to_end(original)?;
    if read as u64 == size { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Makes the transcodings, reports each at once, and returns the last word.
fn transcode(
    socket: BorrowedFd<'_>,
    transcoder: &mut Transcoder,
    original: &[u8],
    request: &Request,
    limits: &Limits,
    area: &File,
) -> Result<Report, ChildError> {
    let (mut offset, mut first, mut trouble) = (0, true, None);
    let mut sink = |output: Output<'_>| {
        let written = write_output(socket, area, offset, first, &output);
        (offset, first) = (offset + output.bytes.len() as u64, false);
        written.map_err(|error| {
            trouble = Some(error);
            SinkClosed
        })
    };
    failpoint::planted(original);
    let result = transcoder.run(original, &request.specs, limits, &mut sink);
    match (trouble, result) {
        (Some(Trouble::TooLarge), _) => {
            Ok(Report::Failed { reason: Reason::TooCostly, detail: "the outputs are too large".to_owned() })
        }
        (Some(Trouble::Fatal(error)), _) => Err(error),
        (None, Ok(description)) => Ok(Report::Done { description }),
        (None, Err(error)) => Ok(Report::Failed { reason: error.reason(), detail: chain(&error) }),
    }
}

/// An error and all that it came from. Only text crosses to the parent.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Why an output did not get out.
enum Trouble {
    /// It has no room beside the others.
    TooLarge,
    /// The parent or the memory is gone.
    Fatal(ChildError),
}

fn write_output(
    socket: BorrowedFd<'_>,
    area: &File,
    offset: u64,
    first: bool,
    output: &Output<'_>,
) -> Result<(), Trouble> {
    let len = output.bytes.len() as u64;
    if offset + len > OUTPUT_BYTES_MAX {
        return Err(Trouble::TooLarge);
    }
    area.write_all_at(output.bytes, offset).map_err(|error| Trouble::Fatal(ChildError::Output(error)))?;
    let report = Report::Output(OutputReport {
        index: output.index,
        offset,
        len,
        width: output.width,
        height: output.height,
        description: first.then(|| output.description.clone()),
    });
    send(socket, &report, &[]).map_err(|error| Trouble::Fatal(ChildError::Send(error)))
}
