//! What moves goes on moving: an animation is read once, frame by frame, and
//! each target of it becomes an animated WebP. At any time there is one frame,
//! one canvas, and what each target shows.
//!
//! An animation that costs too much, or ends before it moves, becomes a still;
//! one that is damaged ends before the damage. So an original that can be shown
//! at all never fails for what comes after its first frame, except by the time
//! it takes: whether a target moves hangs on the original, the target and the
//! budget alone, so that whoever makes it again makes the same bytes.

mod lens;
mod scene;
mod track;

use crate::{
    Limits, PixelError, Step, TooCostly,
    area::{Area, turned},
    color::{Conversion, Meaning},
    decode::{Frame, Frames},
    limits::Spent,
    orient,
    plan::{Plan, Size, Target},
    pool::Pool,
    raster::{Layout, Raster},
};
use fast_image_resize::Resizer;
use heim_common::header::{Format, Orientation};
use lens::Lens;
pub(crate) use scene::Scene;
use track::Track;

/// An original that moves.
pub(crate) struct Motion<'a> {
    pub(crate) format: Format,
    pub(crate) bytes: &'a [u8],
    /// How many frames it is said to have.
    pub(crate) frames: u32,
    pub(crate) meaning: Meaning<'a>,
    pub(crate) plan: &'a Plan,
}

/// What it is worked with.
pub(crate) struct Studio<'a> {
    pub(crate) limits: Limits,
    pub(crate) resizer: &'a mut Resizer,
    pub(crate) pool: &'a mut Pool,
}

impl Motion<'_> {
    /// Whether a target may move by what is declared.
    pub(crate) fn may_move(&self, target: &Target, limits: &Limits) -> bool {
        let area = |size: Size| u64::from(size.0) * u64::from(size.1);
        let canvas = area(self.plan.original).max(area(self.plan.level(target).size));
        target.animated
            && matches!(self.format, Format::Gif | Format::Webp)
            && (2..=limits.animation_frames_max).contains(&self.frames)
            && canvas <= limits.canvas_pixels_max()
            && (area(self.plan.original) + area(self.plan.level(target).size)) * u64::from(self.frames)
                <= limits.animation_pixels_max
    }

    /// The animations of these targets, in their order; `None` for what is to be
    /// a still.
    pub(crate) fn films(&self, targets: &[&Target], studio: Studio<'_>) -> Result<Vec<Option<Vec<u8>>>, PixelError> {
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        let Studio { limits, resizer, pool } = studio;
        let limits = Limits { pixels_max: limits.pixels_max.min(limits.canvas_pixels_max()), ..limits };
        match self.all(targets, Studio { limits, resizer, pool: &mut *pool }) {
            Ok(tracks) => tracks.into_iter().map(|track| track.finish(pool)).collect(),
            Err(error @ PixelError::TooCostly(TooCostly::Deadline(_))) => Err(error),
            Err(PixelError::Decode { .. } | PixelError::TooCostly(_) | PixelError::TooManyPixels { .. }) => {
                Ok(targets.iter().map(|_| None).collect())
            }
            Err(error) => Err(error),
        }
    }

    fn all(&self, targets: &[&Target], studio: Studio<'_>) -> Result<Vec<Track>, PixelError> {
        let Studio { limits, resizer, pool } = studio;
        let Some(mut frames) = Frames::open(self.format, self.bytes, &limits)? else {
            return Err(PixelError::UnsupportedType);
        };
        let mut scene = Scene::new(self.plan.original, pool)?;
        let mut tracks = Vec::with_capacity(targets.len());
        for target in targets {
            let level = self.plan.level(target);
            let lens = Lens::new(level, self.plan.original, self.plan.light(target));
            tracks.push(Track::new(level, lens, target.encoding, frames.loops(), pool)?);
        }
        let mut spent = Spent::default();
        let mut conversions = Vec::new();
        while !tracks.iter().all(Track::is_too_large) {
            limits.in_time(Step::Animate)?;
            let frame = match frames.next(&limits, pool) {
                Ok(Some(frame)) => self.upright(frame, pool)?,
                Ok(None) | Err(PixelError::Decode { .. }) => break,
                Err(error) => return Err(error),
            };
            spent.frame((frame.raster.width, frame.raster.height), self.plan.original, &limits)?;
            let changed = scene.show(&frame, pool)?;
            for track in tracks.iter_mut().filter(|track| !track.is_too_large()) {
                let all = if track.is_empty() { Area::whole(scene.size()) } else { changed };
                let part = track.lens.reached(all);
                if part.is_empty() {
                    track.hold(frame.ms);
                    continue;
                }
                let seen = track.lens.look(scene.canvas(), part, resizer, pool)?;
                let seen = self.to_srgb(seen, &mut conversions, pool)?;
                track.show(seen, part, frame.ms, pool)?;
            }
            pool.give(frame.raster.pixels);
        }
        scene.leave(pool);
        Ok(tracks)
    }

    /// Pixels in sRGB. The way there is kept for each layout.
    fn to_srgb(
        &self,
        seen: Raster,
        conversions: &mut Vec<(Layout, Conversion)>,
        pool: &mut Pool,
    ) -> Result<Raster, PixelError> {
        let layout = seen.layout;
        if let Some((_, conversion)) = conversions.iter().find(|(of, _)| *of == layout) {
            return conversion.apply(seen, pool);
        }
        let conversion = Conversion::of(self.meaning, layout);
        let made = conversion.apply(seen, pool);
        conversions.push((layout, conversion));
        made
    }

    /// A frame in the position in which the picture is meant to be seen.
    fn upright(&self, frame: Frame, pool: &mut Pool) -> Result<Frame, PixelError> {
        let orientation = self.plan.orientation;
        if orientation == Orientation::Upright || frame.raster.pixels.is_empty() {
            return Ok(frame);
        }
        let size = (frame.raster.width, frame.raster.height);
        let place = turned(orientation, self.plan.lying(self.plan.original), frame.place, size);
        Ok(Frame { raster: orient::upright(frame.raster, orientation, pool)?, place, ..frame })
    }
}
