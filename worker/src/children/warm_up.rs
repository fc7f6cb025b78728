//! The first pictures of every child: one of our own, and what is made of it.
//!
//! Libraries look at the machine when they are used for the first time.
//! libjpeg-turbo, for one, reads `/proc/cpuinfo` on ARM, and behind the walls
//! that would be a death. So all of that happens before they are raised: each
//! encoder of this build writes once, and each decoder of what was written reads.

use heim_common::spec::{OutputType, Params, TranscodingName, TranscodingSpec};
use heim_pixels::{Limits, PixelError, Transcoder, can_write};
use std::time::{Duration, Instant};

const PICTURE: &[u8] = include_bytes!("warm_up.jpg");
const TYPES: [OutputType; 4] = [OutputType::Jpeg, OutputType::Webp, OutputType::Png, OutputType::Avif];

pub(super) fn warm_up(transcoder: &mut Transcoder) -> Result<(), PixelError> {
    let limits = Limits { pixels_max: 1 << 20, ..Limits::until(Instant::now() + Duration::from_secs(10)) };
    let of_type = |content_type| TranscodingSpec {
        name: TranscodingName::original(),
        content_type,
        params: Params::of_box(64, 64),
    };
    let specs: Vec<_> = TYPES.into_iter().filter(|output| can_write(*output)).map(of_type).collect();
    let mut made = Vec::new();
    let mut keep = |output: heim_pixels::Output<'_>| {
        made.push(output.bytes.to_vec());
        Ok(())
    };
    transcoder.run(PICTURE, &specs, &limits, &mut keep)?;
    for picture in made {
        transcoder.run(&picture, &specs[..1], &limits, &mut |_| Ok(()))?;
    }
    Ok(())
}
