//! Pictures through the whole pipeline, compared by what they show.

#[cfg(feature = "avif")]
mod avif;
mod color;
mod formats;
mod handmade;
mod jpeg;
mod motion;
mod orientation;
mod scaled;

#[path = "../../tests/corpus/mod.rs"]
mod corpus;

use crate::{Limits, PixelError, Transcoder, plan::Size, raster::Layout, webp_ffi};
use heim_common::{
    media::Description,
    spec::{OutputType, Params, TranscodingSpec},
};
use std::time::{Duration, Instant};

/// What somebody sees who opens a transcoding.
struct Shown {
    size: Size,
    rgba: Vec<u8>,
    description: Description,
}

/// The picture within a square box of this side.
fn try_show(original: &[u8], box_side: u32) -> Result<Shown, PixelError> {
    let spec = TranscodingSpec {
        name: "thumb".parse().unwrap(),
        content_type: OutputType::Webp,
        params: Params { quality: 90, ..Params::of_box(box_side, box_side) },
    };
    let limits = Limits { pixels_max: 300_000_000, ..Limits::until(Instant::now() + Duration::from_mins(1)) };
    let mut shown = None;
    Transcoder::new().run(original, &[spec], &limits, &mut |output| {
        let size = (output.width, output.height);
        let mut rgba = vec![0; (size.0 * size.1 * 4) as usize];
        webp_ffi::decode(output.bytes, size, Layout::Rgba, &mut rgba).unwrap();
        shown = Some(Shown { size, rgba, description: output.description.clone() });
        Ok(())
    })?;
    Ok(shown.expect("one spec makes one output"))
}

fn show(original: &[u8], box_side: u32) -> Shown {
    try_show(original, box_side).unwrap_or_else(|error| panic!("{error:?}"))
}

/// How far two pictures of one size are apart: the mean difference of a channel.
fn distance(one: &Shown, other: &Shown) -> f64 {
    assert_eq!(one.size, other.size);
    let sum: u64 = one.rgba.iter().zip(&other.rgba).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    f64::from(u32::try_from(sum).unwrap()) / f64::from(u32::try_from(one.rgba.len()).unwrap())
}

/// The colour at a place given in hundredths of the sides.
fn pixel(shown: &Shown, x: u32, y: u32) -> [u8; 4] {
    let at = (shown.size.1 * y / 100) * shown.size.0 + shown.size.0 * x / 100;
    shown.rgba.as_chunks::<4>().0[at as usize]
}

/// Whether two colours are as close as a lossy encoder keeps them.
fn close(one: [u8; 4], other: [u8; 4]) -> bool {
    one.iter().zip(other).all(|(a, b)| a.abs_diff(b) <= 12)
}
