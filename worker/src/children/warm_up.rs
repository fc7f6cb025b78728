//! The first picture of every child, which is our own.
//!
//! libjpeg-turbo looks at the machine when it is used for the first time: it reads
//! `/proc/cpuinfo` on ARM, and behind the walls that would be a death. So that happens
//! before they are raised, in both directions. The others ask the processor, or the
//! list that the kernel gives each process, and a child that never sees an AVIF does not
//! have the pages of its libraries.

use heim_common::spec::{OutputType, Params, TranscodingName, TranscodingSpec};
use heim_pixels::{Limits, PixelError, Transcoder};
use std::time::{Duration, Instant};

const PICTURE: &[u8] = include_bytes!("warm_up.jpg");

pub(super) fn warm_up(transcoder: &mut Transcoder) -> Result<(), PixelError> {
    let limits = Limits { pixels_max: 1 << 20, ..Limits::until(Instant::now() + Duration::from_secs(10)) };
    let jpeg = TranscodingSpec {
        name: TranscodingName::original(),
        content_type: OutputType::Jpeg,
        params: Params::of_box(64, 64),
    };
    transcoder.run(PICTURE, &[jpeg], &limits, &mut |_| Ok(()))?;
    Ok(())
}
