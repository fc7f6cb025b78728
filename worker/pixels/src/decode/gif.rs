//! GIF: its first frame on its canvas, and how many frames there are, counted
//! block by block without decoding any.

use super::{
    Context, Decoded, Inspected,
    canvas::{self, Frame},
};
use crate::{
    Limits, PixelError,
    raster::{Layout, Raster},
};
use gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, MemoryLimit};
use heim_common::header::Format;
use std::num::NonZeroU64;

pub(super) fn damaged(error: DecodingError) -> PixelError {
    PixelError::damaged(Format::Gif, error)
}

fn cut_short() -> PixelError {
    PixelError::damaged(Format::Gif, "the file ends within a block")
}

pub(super) fn inspect(bytes: &[u8]) -> Result<Inspected, PixelError> {
    let header: &[u8; 13] = bytes.first_chunk().ok_or_else(cut_short)?;
    let side = |at: usize| u32::from(u16::from_le_bytes([header[at], header[at + 1]]));
    let frames = Blocks { bytes, at: 13 + palette_bytes(header[10]) }.count_frames().ok_or_else(cut_short)?;
    Ok(Inspected { size: (side(6), side(8)), frames: frames.max(1) })
}

/// Begins before the first frame.
pub(super) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Decoder<&'a [u8]>, PixelError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    options.set_memory_limit(MemoryLimit::Bytes(NonZeroU64::new(limits.decoded_bytes_max).unwrap_or(NonZeroU64::MIN)));
    options.read_info(bytes).map_err(damaged)
}

pub(super) fn decode(bytes: &[u8], context: &mut Context<'_>) -> Result<Decoded, PixelError> {
    let mut decoder = open(bytes, context.limits)?;
    let (width, height) = (decoder.width(), decoder.height());
    let frame = decoder.next_frame_info().map_err(damaged)?;
    let frame = frame.ok_or_else(|| PixelError::damaged(Format::Gif, "there is no frame"))?;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (frame_width, frame_height) = (frame.width, frame.height);

    // A frame has a size of its own, and nothing holds it to the canvas.
    context.limits.admit(frame_width.into(), frame_height.into())?;
    let mut pixels = context.pool.blank(frame_width.into(), frame_height.into(), 4)?;
    if !pixels.is_empty() {
        decoder.read_into_buffer(&mut pixels).map_err(damaged)?;
    }
    if (left, top, frame_width, frame_height) != (0, 0, width, height) {
        let mut whole = context.pool.blank(width.into(), height.into(), 4)?;
        let frame = Frame { pixels: &pixels, left, top, width: frame_width.into() };
        canvas::put(&frame, &mut whole, width.into());
        context.pool.give(std::mem::replace(&mut pixels, whole));
    }
    let raster = Raster { width: width.into(), height: height.into(), layout: Layout::Rgba, pixels };
    Ok(Decoded { raster, gray: false, icc: None })
}

/// Bytes of the colour table that a descriptor's flags announce.
fn palette_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 6 << (flags & 7) }
}

/// Walks a file's blocks.
struct Blocks<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Blocks<'_> {
    /// `None` if the file ends within a block. A missing trailer is common and
    /// harmless, and what comes after an unknown block is not looked at.
    fn count_frames(mut self) -> Option<u32> {
        if self.at > self.bytes.len() {
            return None;
        }
        let mut frames = 0;
        while let Some(introducer) = self.bytes.get(self.at) {
            match introducer {
                0x21 => self.at += 2,
                0x2c => {
                    let flags = self.bytes.get(self.at + 9)?;
                    self.at += 10 + palette_bytes(*flags) + 1;
                    frames += 1;
                }
                _ => break,
            }
            self.skip_data()?;
        }
        Some(frames)
    }

    /// Skips sub-blocks up to the empty one that ends them.
    fn skip_data(&mut self) -> Option<()> {
        loop {
            let len = *self.bytes.get(self.at)?;
            self.at += 1 + usize::from(len);
            if len == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A canvas of 2 x 2 without a palette, and this many frames of one byte.
    fn gif(frames: usize) -> Vec<u8> {
        let frame = b"\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\x02\0\x02\0\0\x02\x01\xff\0";
        [b"GIF89a\x02\0\x02\0\0\0\0".as_slice(), &frame.repeat(frames), b"\x3b"].concat()
    }

    #[test]
    fn frames_are_counted_without_decoding() {
        assert_eq!(inspect(&gif(380)).unwrap(), Inspected { size: (2, 2), frames: 380 });
        assert_eq!(inspect(&gif(0)).unwrap().frames, 1);
    }

    #[test]
    fn only_a_cut_within_a_block_is_damage() {
        let whole = gif(2);
        let between = [13, 21, 35, 43, 57, 58];
        for end in 0..=whole.len() {
            assert_eq!(inspect(&whole[..end]).is_ok(), between.contains(&end), "cut at {end}");
        }
    }
}
