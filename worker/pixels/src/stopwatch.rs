//! How long each step of a job took. Not a log and not a metric: whoever runs
//! the job decides what becomes of the figures.

use std::{fmt, time::Duration};

/// A step of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Reading the header, the orientation, and making the plan.
    Inspect,
    /// Decoding, scaled where the format can.
    Decode,
    /// The resize to the largest target.
    Reduce,
    /// Colours to sRGB.
    Color,
    /// Turning by the EXIF orientation.
    Orient,
    /// The resizes to the smaller targets.
    Cascade,
    /// The placeholder.
    Placeholder,
    /// All frames of an animation, up to the encoded targets.
    Animate,
    /// Encoding one transcoding.
    Encode,
    /// What the sink did with it.
    Deliver,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inspect => "inspect",
            Self::Decode => "decode",
            Self::Reduce => "reduce",
            Self::Color => "colour",
            Self::Orient => "orient",
            Self::Cascade => "cascade",
            Self::Placeholder => "placeholder",
            Self::Animate => "animate",
            Self::Encode => "encode",
            Self::Deliver => "deliver",
        })
    }
}

/// Notes the time between steps by a clock that is given to it.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    clock: fn() -> Duration,
    last: Duration,
    laps: Vec<(Step, Duration)>,
}

impl Stopwatch {
    pub(crate) fn new(clock: fn() -> Duration) -> Self {
        Self { clock, last: Duration::ZERO, laps: Vec::new() }
    }

    pub(crate) fn start(&mut self) {
        self.laps.clear();
        self.last = (self.clock)();
    }

    /// Books the time since the last lap to this step.
    pub(crate) fn lap(&mut self, step: Step) {
        let now = (self.clock)();
        self.laps.push((step, now.saturating_sub(self.last)));
        self.last = now;
    }

    pub(crate) fn laps(&self) -> &[(Step, Duration)] {
        &self.laps
    }
}
