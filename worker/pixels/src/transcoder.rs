//! The pipeline itself: which step follows which, and what each hands on.

use crate::{
    Decoders, Limits, PixelError, SinkClosed, Step,
    color::{Conversion, Meaning},
    decode::{self, Context, Decoded},
    encode::{Encoder, can_write},
    fit::Level,
    light,
    motion::{Motion, Studio},
    orient, placeholder,
    plan::{Cascade, Plan, Size, Target},
    pool::Pool,
    raster::Raster,
    resize,
    stopwatch::Stopwatch,
};
use fast_image_resize::Resizer;
use heim_common::{
    header::{Format, Orientation},
    media::Description,
    spec::{Light, TranscodingSpec},
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
    pool: Pool,
    encoder: Encoder,
    stopwatch: Stopwatch,
    decoders: Decoders,
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
            pool: Pool::default(),
            encoder: Encoder::default(),
            stopwatch: Stopwatch::new(clock),
            decoders: Decoders::default(),
        }
    }

    /// From now on nothing is decoded but by these.
    pub fn decode_by(&mut self, decoders: Decoders) {
        self.decoders = decoders;
    }

    /// What each step of the last job took, in order; a step that failed is not
    /// among them.
    #[must_use]
    pub fn steps(&self) -> &[(Step, Duration)] {
        self.stopwatch.laps()
    }

    /// Makes every transcoding of an original and hands each to the sink,
    /// smallest first, and what moves after all that does not. Running it twice
    /// gives the same bytes.
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
        let Self { resizer, pool, encoder, stopwatch, decoders } = self;
        stopwatch.start();
        pool.bytes_max = limits.decoded_bytes_max;
        limits.in_time(Step::Inspect)?;
        let format = Format::sniff(original).filter(|format| decoders.has(*format));
        let format = format.ok_or(PixelError::UnsupportedType)?;
        if let Some(spec) = specs.iter().find(|spec| !can_write(spec.content_type)) {
            return Err(PixelError::UnsupportedOutput(spec.content_type));
        }
        let inspected = decode::inspect(format, original, limits)?;
        limits.admit(inspected.size.0, inspected.size.1)?;
        let plan = Plan::new(inspected.size, decode::orientation(format, original), specs);
        stopwatch.lap(Step::Inspect);

        limits.in_time(Step::Decode)?;
        let mut context = Context { limits, pool, size_min: plan.decoded_min() };
        let decoded = decode::decode(format, original, &mut context)?;
        let icc = if inspected.frames > 1 { decoded.icc.clone() } else { None };
        stopwatch.lap(Step::Decode);

        let mut desk = Desk { limits, resizer, pool, stopwatch };
        let made = desk.levels(decoded, &plan)?;
        let Desk { resizer, pool, stopwatch, .. } = desk;

        limits.in_time(Step::Placeholder)?;
        let (placeholder, color) = placeholder::of(&plan.whole(&made), resizer, pool)?;
        let description = Description {
            width: plan.original.0,
            height: plan.original.1,
            placeholder,
            color,
            frames: inspected.frames,
            alpha: made[0][0].layout.has_alpha(),
        };
        stopwatch.lap(Step::Placeholder);

        let meaning = Meaning { icc: icc.as_deref(), gray: false };
        let motion = Motion { format, bytes: original, frames: inspected.frames, meaning, plan: &plan };
        let (moving, still): (Vec<_>, Vec<_>) = plan.targets.iter().partition(|target| motion.may_move(target, limits));
        let mut counter = Counter { limits, encoder, stopwatch, made: &made, description: &description, sink };
        counter.encoder.start();
        for target in still {
            counter.hand_out(target, None)?;
        }
        let films = motion.films(&moving, Studio { limits: *limits, resizer, pool })?;
        if !moving.is_empty() {
            counter.stopwatch.lap(Step::Animate);
        }
        for (target, film) in moving.into_iter().zip(films) {
            counter.hand_out(target, film.as_deref())?;
        }
        for level in made.into_iter().flatten() {
            pool.give(level.pixels);
        }
        Ok(description)
    }
}

/// Where outputs are handed out.
struct Counter<'a> {
    limits: &'a Limits,
    encoder: &'a mut Encoder,
    stopwatch: &'a mut Stopwatch,
    made: &'a [Vec<Raster>],
    description: &'a Description,
    sink: &'a mut dyn FnMut(Output<'_>) -> Result<(), SinkClosed>,
}

impl Counter<'_> {
    /// Hands out a target: a film of it that is there, or a still.
    fn hand_out(&mut self, target: &Target, film: Option<&[u8]>) -> Result<(), PixelError> {
        self.limits.in_time(Step::Encode)?;
        let level = &self.made[target.level.0][target.level.1];
        let (width, height) = (level.width, level.height);
        let bytes = match film {
            Some(film) => film,
            None => self.encoder.encode(target, level)?,
        };
        self.stopwatch.lap(Step::Encode);
        (self.sink)(Output { index: target.index, width, height, bytes, description: self.description })
            .map_err(PixelError::Sink)?;
        self.stopwatch.lap(Step::Deliver);
        Ok(())
    }
}

/// What the steps between decoding and encoding work with.
struct Desk<'a> {
    limits: &'a Limits,
    resizer: &'a mut Resizer,
    pool: &'a mut Pool,
    stopwatch: &'a mut Stopwatch,
}

impl Desk<'_> {
    /// The levels of each of the plan's cascades.
    fn levels(&mut self, decoded: Decoded, plan: &Plan) -> Result<Vec<Vec<Raster>>, PixelError> {
        let Decoded { raster, gray, icc } = decoded;
        let conversion = Conversion::of(Meaning { icc: icc.as_deref(), gray }, raster.layout);
        self.stopwatch.lap(Step::Color);
        let mut made = Vec::with_capacity(plan.cascades.len());
        for (index, cascade) in plan.cascades.iter().enumerate() {
            let is_last = index + 1 == plan.cascades.len();
            let base = plan.lying(cascade.levels[0].size);
            if is_last && (raster.width, raster.height) == base {
                made.push(self.cascade(raster, &conversion, plan.orientation, cascade)?);
                return Ok(made);
            }
            let reduced = self.reduced(&raster, base, cascade.light)?;
            made.push(self.cascade(reduced, &conversion, plan.orientation, cascade)?);
        }
        self.pool.give(raster.pixels);
        Ok(made)
    }

    /// The decoded picture at the size of a cascade's first level.
    fn reduced(&mut self, decoded: &Raster, size: Size, light: Light) -> Result<Raster, PixelError> {
        let Self { limits, resizer, pool, stopwatch } = self;
        limits.in_time(Step::Reduce)?;
        let own = (decoded.width, decoded.height);
        let begins = if light == Light::Linear { light::begins(decoded.layout, own, size) } else { size };
        let smaller = if begins == own { None } else { Some(resize::resized(decoded, begins, None, resizer, pool)?) };
        let reduced = match smaller {
            Some(reduced) if begins == size => reduced,
            smaller => {
                let lit = smaller.as_ref().unwrap_or(decoded);
                let reduced = light::resized(lit, &[Level::whole(size, size)], pool)?.remove(0);
                if let Some(smaller) = smaller {
                    pool.give(smaller.pixels);
                }
                reduced
            }
        };
        stopwatch.lap(Step::Reduce);
        Ok(reduced)
    }

    /// The levels of a cascade, of the picture at the size of the first.
    fn cascade(
        &mut self,
        reduced: Raster,
        conversion: &Conversion,
        orientation: Orientation,
        cascade: &Cascade,
    ) -> Result<Vec<Raster>, PixelError> {
        let Self { limits, resizer, pool, stopwatch } = self;
        limits.in_time(Step::Color)?;
        let srgb = conversion.apply(reduced, pool)?;
        stopwatch.lap(Step::Color);

        limits.in_time(Step::Orient)?;
        let largest = orient::upright(srgb, orientation, pool)?;
        stopwatch.lap(Step::Orient);

        limits.in_time(Step::Cascade)?;
        let levels = match cascade.light {
            Light::Gamma => resize::cascade(largest, &cascade.levels, resizer, pool)?,
            Light::Linear => {
                let mut levels = light::resized(&largest, &cascade.levels[1..], pool)?;
                levels.insert(0, largest);
                levels
            }
        };
        stopwatch.lap(Step::Cascade);
        Ok(levels)
    }
}
