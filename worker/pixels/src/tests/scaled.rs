//! What a decoder can make smaller by itself is never decoded at its full size: the
//! time and the memory of a photo hang on it.

use super::corpus;
use crate::{
    Limits,
    decode::{self, Context},
    plan::{Plan, Size},
    pool::Pool,
};
use heim_common::{
    header::Format,
    spec::{TranscodingSpec, default_specs},
};
use std::time::{Duration, Instant};

/// The size at which a file is decoded for these, and its own.
fn decoded(file: &str, specs: &[TranscodingSpec]) -> (Size, Size) {
    let bytes = corpus::read(file);
    let format = Format::sniff(&bytes).unwrap();
    let limits = Limits::until(Instant::now() + Duration::from_mins(1));
    let size = decode::inspect(format, &bytes, &limits).unwrap().size;
    let plan = Plan::new(size, decode::orientation(format, &bytes), specs);
    let mut pool = Pool::default();
    let size_min = plan.decoded_min();
    let mut context = Context { limits: &limits, pool: &mut pool, size_min };
    let raster = decode::decode(format, &bytes, &mut context).unwrap().raster;
    ((raster.width, raster.height), size)
}

#[test]
fn a_photo_is_decoded_as_small_as_what_is_made_of_it_allows() {
    let all = default_specs();
    let whole = (4032, 3024);
    // The largest target is 1280 x 960, 640 x 480, and 320 x 240, of which twice as much is left.
    for (specs, scaled) in [(&all[..], (2016, 1512)), (&all[..3], (1008, 756)), (&all[..2], (1008, 756))] {
        for file in ["photos/j12_nexus6p_420_sRGB.jpg", "photos/j12_nexus_prog_q92.jpg"] {
            assert_eq!(decoded(file, specs), (scaled, whole), "{file}");
        }
    }
    assert_eq!(decoded("photos/j12_nexus6p_420_sRGB.jpg", &all[..1]), ((504, 378), whole));
}

#[test]
fn a_webp_is_decoded_at_twice_the_size_of_what_is_made_of_it() {
    let all = default_specs();
    let whole = (3648, 2736);
    let file = "photos/webp10_nikonp7000_or6.webp";
    assert_eq!(decoded(file, &all), ((2560, 1920), whole));
    assert_eq!(decoded(file, &all[..3]), ((1280, 960), whole));
}
