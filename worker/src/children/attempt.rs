//! One file in one child, seen from the pool: hand it over, pass on what
//! comes, and believe nothing that was not checked.

use super::{
    bell::Bell,
    failure::PixelFailure,
    memory::OutputArea,
    pool::{PixelOutput, PixelWork, Step},
    process::PixelChild,
    protocol::{DETAIL_CHARS_MAX, OUTPUT_BYTES_MAX, OutputReport, Report, Request},
    socket::{ReceiveError, send, wait},
};
use heim_common::{header::Format, job::Reason};
use rustix::event::{PollFd, PollFlags};
use std::time::{Duration, Instant};

/// A child minds the deadline by itself and says so; it is killed this much
/// later, since one that answers says how far it came.
const VERDICT_GRACE: Duration = Duration::from_millis(100);

/// How an attempt left the child.
#[derive(Debug)]
pub(super) enum End {
    /// Ready for the next file.
    Reusable(Result<Step, PixelFailure>),
    /// Not to be used again.
    Broken(PixelFailure),
    /// It was gone before it saw the file: another child may try.
    Untouched,
}

/// The attempt while it runs.
pub(super) struct Attempt<'a> {
    pub(super) child: &'a mut PixelChild,
    pub(super) work: &'a PixelWork,
    pub(super) bell: &'a Bell,
    /// Takes an output; `false` when nobody wants any more.
    pub(super) pass_on: &'a mut dyn FnMut(PixelOutput) -> bool,
    /// Looked at whenever the bell rang.
    pub(super) called_off: &'a dyn Fn() -> bool,
}

impl Attempt<'_> {
    /// Runs to its end, which comes at the deadline at the latest.
    pub(super) fn run(mut self) -> End {
        let area = match OutputArea::new() {
            Ok(area) => area,
            Err(error) => return End::Reusable(Err(PixelFailure::System(error))),
        };
        self.child.begin_file();
        let deadline = Instant::now() + self.work.deadline + VERDICT_GRACE;
        if !self.hand_over(&area) {
            return End::Untouched;
        }
        let mut missing = vec![true; self.work.specs.len()];
        loop {
            match self.wait_for_report(deadline) {
                Ok(Report::Output(report)) => match self.check(&area, &mut missing, report) {
                    Ok(output) => {
                        if !(self.pass_on)(output) {
                            return End::Broken(PixelFailure::CalledOff);
                        }
                    }
                    Err(lie) => return End::Broken(PixelFailure::Lied(lie)),
                },
                Ok(Report::Done { description }) if !missing.contains(&true) => {
                    return End::Reusable(Ok(Step::Done(description)));
                }
                Ok(Report::Failed { reason, detail }) if may_refuse_for(reason) => {
                    let detail = detail.chars().take(DETAIL_CHARS_MAX).collect();
                    return End::Broken(PixelFailure::Refused { reason, detail });
                }
                Ok(report) => return End::Broken(PixelFailure::Lied(format!("{report:?} out of turn"))),
                Err(end) => return end,
            }
        }
    }

    fn hand_over(&self, area: &OutputArea) -> bool {
        let request = Request {
            specs: self.work.specs.clone(),
            decoders: self.child.pixels.decoders,
            pixels_max: self.work.pixels_max,
            animation_pixels_max: self.work.animation_pixels_max,
            animation_frames_max: self.work.animation_frames_max,
            decoded_bytes_max: self.child.pixels.decoded_bytes_max,
            scans_max: self.child.pixels.scans_max,
            deadline_ms: u64::try_from(self.work.deadline.as_millis()).unwrap_or(u64::MAX),
            size: self.work.original.size(),
        };
        send(self.child.socket(), &request, &[self.work.original.fd(), area.fd()]).is_ok()
    }

    fn wait_for_report(&mut self, deadline: Instant) -> Result<Report, End> {
        loop {
            let socket = self.child.socket();
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(&socket, PollFlags::IN), PollFd::new(self.bell, PollFlags::IN)];
            wait(&mut fds, Some(left)).map_err(|error| End::Broken(PixelFailure::System(error)))?;
            let (spoke, rang) = (!fds[0].revents().is_empty(), !fds[1].revents().is_empty());
            if rang {
                self.bell.hush();
                if (self.called_off)() {
                    return Err(End::Broken(PixelFailure::CalledOff));
                }
            }
            if spoke {
                return self.listen();
            }
            // Only now: what was said in time counts, however late it is read.
            if left.is_zero() {
                return Err(End::Broken(PixelFailure::OutOfTime));
            }
        }
    }

    fn listen(&mut self) -> Result<Report, End> {
        match self.child.receive() {
            Ok(Some(report)) => Ok(report),
            Ok(None) => Err(End::Broken(match self.child.kill() {
                Ok(death) => PixelFailure::Died(death),
                Err(error) => PixelFailure::System(error),
            })),
            Err(ReceiveError::Unheard) => Err(End::Untouched),
            Err(error) => Err(End::Broken(PixelFailure::Lied(error.to_string()))),
        }
    }

    /// Turns what a child says of an output into an output, or into a sentence
    /// about what is wrong with it.
    fn check(&self, area: &OutputArea, missing: &mut [bool], report: OutputReport) -> Result<PixelOutput, String> {
        let OutputReport { index, offset, len, width, height, description } = report;
        let spec = self.work.specs.get(index).ok_or_else(|| format!("output {index} was not asked for"))?;
        if !std::mem::take(&mut missing[index]) {
            return Err(format!("output {index} came twice"));
        }
        if !(1..=spec.params.width).contains(&width) || !(1..=spec.params.height).contains(&height) {
            return Err(format!("output {index} is said to be {width}x{height}"));
        }
        let bytes = (len <= OUTPUT_BYTES_MAX).then(|| area.read(offset, len)).flatten();
        let bytes = bytes.ok_or_else(|| format!("output {index} is said to be at {offset}+{len}"))?;
        if Format::sniff(&bytes) != Some(spec.content_type.format()) {
            return Err(format!("output {index} is not of its type"));
        }
        Ok(PixelOutput { index, width, height, bytes, description })
    }
}

/// Whether a reason is a child's to give. The others are about the world
/// around it, of which it knows nothing.
fn may_refuse_for(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::UnsupportedType
            | Reason::UnsupportedOutput
            | Reason::Damaged
            | Reason::TooManyPixels
            | Reason::TooCostly
            | Reason::Internal
    )
}
