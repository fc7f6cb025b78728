//! What one picture may cost.

use crate::{PixelError, Step, TooCostly, plan::Size};
use heim_common::limits;
use std::time::Instant;

/// [`Limits::decoded_bytes_max`], unless it is set: 100 megapixels of RGBA, with a margin.
pub const DECODED_BYTES_MAX: u64 = 512 << 20;

/// [`Limits::scans_max`], unless it is set: cameras write one scan, encoders for the
/// web about ten.
pub const SCANS_MAX: u32 = 100;

/// Most bytes of one animation that is made. Nobody waits for more to load.
pub(crate) const FILM_BYTES_MAX: usize = 32 << 20;

/// The limits of one job.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most pixels that a picture, or a frame of one, may declare.
    pub pixels_max: u64,
    /// Most pixels that all frames of an animation may have together, those that
    /// are read and those that are made of them for one transcoding. What has
    /// more becomes a still.
    pub animation_pixels_max: u64,
    /// Most frames of an animation. What has more becomes a still.
    pub animation_frames_max: u32,
    /// Most bytes of pixels, or of a decoder's coefficients, in one buffer.
    pub decoded_bytes_max: u64,
    /// Most scans of a JPEG: each goes over all of the picture once more.
    pub scans_max: u32,
    /// When the job must have ended. It is looked at between steps, and all along
    /// the way of a JPEG's; a decoder that hangs is its process's owner to kill.
    pub deadline: Instant,
}

impl Limits {
    /// The defaults of every deployment, with this deadline.
    #[must_use]
    pub fn until(deadline: Instant) -> Self {
        let limits::Limits { pixels_max, animation_pixels_max, animation_frames_max, .. } = limits::Limits::default();
        let (decoded_bytes_max, scans_max) = (DECODED_BYTES_MAX, SCANS_MAX);
        Self { pixels_max, animation_pixels_max, animation_frames_max, decoded_bytes_max, scans_max, deadline }
    }

    /// Checks how many bytes a decoder needs at once, before it takes them.
    pub(crate) fn admit_bytes(&self, bytes: u64) -> Result<(), TooCostly> {
        if bytes > self.decoded_bytes_max { Err(TooCostly::Memory(bytes)) } else { Ok(()) }
    }

    /// Most pixels of a canvas that moves: its frame, what that covers and what is
    /// looked at are in memory beside it.
    pub(crate) fn canvas_pixels_max(&self) -> u64 {
        self.decoded_bytes_max / (4 * 4)
    }

    /// Checks a declared size, before anything is allocated for it.
    pub(crate) fn admit(&self, width: u32, height: u32) -> Result<(), PixelError> {
        if u64::from(width) * u64::from(height) > self.pixels_max {
            return Err(PixelError::TooManyPixels { width, height, max: self.pixels_max });
        }
        Ok(())
    }

    /// Checks the deadline before a step is begun.
    pub(crate) fn in_time(&self, step: Step) -> Result<(), PixelError> {
        if Instant::now() >= self.deadline {
            return Err(TooCostly::Deadline(step).into());
        }
        Ok(())
    }
}

/// What an animation has cost so far.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    frames: u32,
    pixels: u64,
}

impl Spent {
    /// Adds a frame, which may be larger than its canvas and may be one more
    /// than was declared.
    pub(crate) fn frame(&mut self, frame: Size, canvas: Size, limits: &Limits) -> Result<(), PixelError> {
        let pixels = |(width, height): Size| u64::from(width) * u64::from(height);
        self.frames += 1;
        self.pixels = self.pixels.saturating_add(pixels(frame).max(pixels(canvas)));
        if self.frames > limits.animation_frames_max || self.pixels > limits.animation_pixels_max {
            return Err(TooCostly::Animation.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_common::job::Reason;
    use std::time::Duration;

    #[test]
    fn the_largest_declared_size_overflows_nothing() {
        let limits = Limits { pixels_max: 100_000_000, ..Limits::until(Instant::now() + Duration::from_mins(1)) };
        let refused = limits.admit(u32::MAX, u32::MAX).unwrap_err();
        assert_eq!(refused.reason(), Reason::TooManyPixels);
        assert!(limits.admit(10_000, 10_000).is_ok());
    }

    #[test]
    fn bytes_are_admitted_to_the_last_and_no_further() {
        let limits = Limits::until(Instant::now());
        assert_eq!(limits.admit_bytes(536_870_912), Ok(()));
        assert_eq!(limits.admit_bytes(536_870_913), Err(TooCostly::Memory(536_870_913)));
        assert_eq!(limits.admit_bytes(u64::MAX), Err(TooCostly::Memory(u64::MAX)));
    }

    #[test]
    fn a_passed_deadline_names_the_step_that_was_not_begun() {
        let limits = Limits { pixels_max: 1, ..Limits::until(Instant::now()) };
        let late = limits.in_time(Step::Decode).unwrap_err();
        assert_eq!(late.reason(), Reason::TooCostly);
        assert!(matches!(late, PixelError::TooCostly(TooCostly::Deadline(Step::Decode))));
    }
}
