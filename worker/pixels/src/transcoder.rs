//! The pipeline itself: which step follows which, and what each hands on.

use crate::{
    Limits, PixelError, SinkClosed, Step,
    color::{self, Meaning},
    decode::{self, Context, JpegDecoder},
    encode::Encoder,
    orient, placeholder,
    plan::Plan,
    pool::Pool,
    resize,
    stopwatch::Stopwatch,
};
use fast_image_resize::Resizer;
use heim_common::{
    header::{Format, Orientation},
    media::Description,
    spec::TranscodingSpec,
};
use std::{
    fmt,
    sync::LazyLock,
    time::{Duration, Instant},
};

/// One transcoding, handed over as soon as it is made.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    /// Which of the specs it was made by.
    pub index: usize,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The whole file, without metadata.
    pub bytes: &'a [u8],
    /// What was found out about the original.
    pub description: &'a Description,
}

/// Makes transcodings, one original at a time, and keeps its buffers for the next.
pub struct Transcoder {
    resizer: Resizer,
    jpeg: JpegDecoder,
    pool: Pool,
    encoder: Encoder,
    stopwatch: Stopwatch,
}

impl fmt::Debug for Transcoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its buffers hold pictures, and some pictures are private.
        f.debug_struct("Transcoder").finish_non_exhaustive()
    }
}

impl Default for Transcoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Time since the first look at it, on the clock of the wall.
fn elapsed() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

impl Transcoder {
    /// A transcoder without buffers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(elapsed)
    }

    /// One whose [`steps`](Self::steps) are measured by another clock, such as
    /// that of the process's own work.
    #[must_use]
    pub fn with_clock(clock: fn() -> Duration) -> Self {
        Self {
            resizer: Resizer::new(),
            jpeg: JpegDecoder::default(),
            pool: Pool::default(),
            encoder: Encoder::default(),
            stopwatch: Stopwatch::new(clock),
        }
    }

    /// What each step of the last job took, in order; a step that failed is not
    /// among them.
    #[must_use]
    pub fn steps(&self) -> &[(Step, Duration)] {
        self.stopwatch.laps()
    }

    /// Makes every transcoding of an original and hands each to the sink,
    /// smallest first. Running it twice gives the same bytes.
    ///
    /// # Errors
    /// The first thing that went wrong. What the sink was given before is
    /// complete and good.
    pub fn run(
        &mut self,
        original: &[u8],
        specs: &[TranscodingSpec],
        limits: &Limits,
        sink: &mut dyn FnMut(Output<'_>) -> Result<(), SinkClosed>,
    ) -> Result<Description, PixelError> {
        let Self { resizer, jpeg, pool, encoder, stopwatch } = self;
        stopwatch.start();
        limits.in_time(Step::Inspect)?;
        let format = Format::sniff(original).ok_or(PixelError::UnsupportedType)?;
        let inspected = decode::inspect(format, original)?;
        limits.admit(inspected.size.0, inspected.size.1)?;
        let plan = Plan::new(inspected.size, Orientation::read(original), specs);
        stopwatch.lap(Step::Inspect);

        limits.in_time(Step::Decode)?;
        let mut context = Context { limits, pool, jpeg, size_min: plan.decoded_min() };
        let decoded = decode::decode(format, original, &mut context)?;
        stopwatch.lap(Step::Decode);

        limits.in_time(Step::Reduce)?;
        let reduced = resize::reduced(decoded.raster, plan.reduced(), resizer, pool)?;
        stopwatch.lap(Step::Reduce);

        limits.in_time(Step::Color)?;
        let meaning = Meaning { icc: decoded.icc.as_deref(), gray: decoded.gray };
        let srgb = color::to_srgb(reduced, meaning, pool)?;
        stopwatch.lap(Step::Color);

        limits.in_time(Step::Orient)?;
        let largest = orient::upright(srgb, plan.orientation, pool)?;
        stopwatch.lap(Step::Orient);

        limits.in_time(Step::Cascade)?;
        let levels = resize::cascade(largest, &plan.levels, resizer, pool)?;
        stopwatch.lap(Step::Cascade);

        limits.in_time(Step::Placeholder)?;
        let description = Description {
            width: plan.original.0,
            height: plan.original.1,
            placeholder: placeholder::of(&levels, resizer, pool)?,
            frames: inspected.frames,
            alpha: levels[0].layout.has_alpha(),
        };
        stopwatch.lap(Step::Placeholder);

        encoder.start();
        for target in &plan.targets {
            limits.in_time(Step::Encode)?;
            let level = &levels[target.level];
            let bytes = encoder.encode(target, level)?;
            stopwatch.lap(Step::Encode);
            let (width, height) = (level.width, level.height);
            sink(Output { index: target.index, width, height, bytes, description: &description })
                .map_err(PixelError::Sink)?;
            stopwatch.lap(Step::Deliver);
        }
        for level in levels {
            pool.give(level.pixels);
        }
        Ok(description)
    }
}
