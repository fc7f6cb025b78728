//! libwebp's own player of animations. Tests see by it what is made here, and
//! what should have been made.

use crate::plan::Size;
use libwebp_sys::{
    WEBP_DEMUX_ABI_VERSION, WebPAnimDecoder, WebPAnimDecoderDelete, WebPAnimDecoderGetInfo, WebPAnimDecoderGetNext,
    WebPAnimDecoderNewInternal, WebPAnimInfo, WebPData,
};
use std::{mem::MaybeUninit, ptr, slice};

/// What is shown for a while.
pub(crate) struct Moment {
    pub(crate) ms: u32,
    pub(crate) rgba: Vec<u8>,
}

/// All that is shown.
pub(crate) struct Show {
    pub(crate) size: Size,
    pub(crate) loops: u32,
    pub(crate) moments: Vec<Moment>,
}

impl Show {
    pub(crate) fn ms(&self) -> u32 {
        self.moments.iter().map(|moment| moment.ms).sum()
    }

    /// What is shown this long after the beginning.
    pub(crate) fn at(&self, ms: u32) -> &[u8] {
        let mut end = 0;
        let moment = self.moments.iter().find(|moment| {
            end += moment.ms;
            ms < end
        });
        &moment.or(self.moments.last()).expect("something is shown").rgba
    }
}

struct Decoder(*mut WebPAnimDecoder);

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: libwebp made it, and it is used no more.
        unsafe { WebPAnimDecoderDelete(self.0) };
    }
}

/// Plays an animated WebP once; `None` if it is none.
pub(crate) fn play(file: &[u8]) -> Option<Show> {
    let version = i32::try_from(WEBP_DEMUX_ABI_VERSION).ok()?;
    let data = WebPData { bytes: file.as_ptr(), size: file.len() };
    // SAFETY: `data` is of one slice, which outlives the decoder; without
    // options its defaults are taken, which are RGBA.
    let decoder = unsafe { WebPAnimDecoderNewInternal(&raw const data, ptr::null(), version) };
    if decoder.is_null() {
        return None;
    }
    let decoder = Decoder(decoder);
    let mut info = MaybeUninit::<WebPAnimInfo>::zeroed();
    // SAFETY: the decoder is there, and libwebp writes to `info` alone.
    let told = unsafe { WebPAnimDecoderGetInfo(decoder.0, info.as_mut_ptr()) };
    // SAFETY: a struct of integers, zeroed above.
    let info = unsafe { info.assume_init() };
    if told == 0 {
        return None;
    }
    let size = (info.canvas_width, info.canvas_height);
    let mut show = Show { size, loops: info.loop_count, moments: Vec::new() };
    let mut last = 0;
    for _ in 0..info.frame_count {
        let (mut pixels, mut end) = (ptr::null_mut(), 0);
        // SAFETY: the decoder is there, and libwebp writes to both places.
        if unsafe { WebPAnimDecoderGetNext(decoder.0, &raw mut pixels, &raw mut end) } == 0 {
            return None;
        }
        // SAFETY: it is the decoder's canvas, of four bytes a pixel, and stays
        // until the next call.
        let rgba = unsafe { slice::from_raw_parts(pixels, size.0 as usize * size.1 as usize * 4) };
        show.moments.push(Moment { ms: u32::try_from(end - last).ok()?, rgba: rgba.to_vec() });
        last = end;
    }
    Some(show)
}
