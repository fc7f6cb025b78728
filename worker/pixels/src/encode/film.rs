//! An animated WebP file in the making (RFC 9649, 2.7): its header, and one
//! piece after the other, each a picture of its own that stays where it is put.

use crate::{PixelError, area::Area, decode::riff::Chunks, plan::Size};

/// What begins the file, up to the first piece.
const HEADER_BYTES: usize = 44;
/// What begins a piece: the chunk's name and length, and the frame's header.
const PIECE_BYTES: usize = 8 + 16;
/// Longest time that a frame can be shown, in milliseconds.
const MS_MAX: u32 = (1 << 24) - 1;

/// The file so far.
#[derive(Debug)]
pub(crate) struct Film {
    bytes: Vec<u8>,
    pieces: u32,
    /// Where the time of the last piece is written, and what it is.
    last: (usize, u32),
    alpha: bool,
}

fn u24(value: u32) -> [u8; 3] {
    let [a, b, c, _] = value.to_le_bytes();
    [a, b, c]
}

fn too_long() -> PixelError {
    PixelError::Encode("a chunk of more than four gigabytes".into())
}

impl Film {
    /// An empty one, shown so many times; 0 for without end.
    pub(crate) fn new((width, height): Size, loops: u16) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        // Lengths and flags are known at the end.
        bytes.extend(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0");
        bytes.extend(u24(width.saturating_sub(1)));
        bytes.extend(u24(height.saturating_sub(1)));
        bytes.extend(b"ANIM\x06\0\0\0\0\0\0\0");
        bytes.extend(loops.to_le_bytes());
        Self { bytes, pieces: 0, last: (0, 0), alpha: false }
    }

    pub(crate) fn pieces(&self) -> u32 {
        self.pieces
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a piece: a WebP file of the area's size, at even pixels. If
    /// `over`, what it leaves transparent stays as it is.
    pub(crate) fn push(&mut self, area: Area, file: &[u8], over: bool, ms: u32) -> Result<(), PixelError> {
        let at = self.bytes.len();
        let (width, height) = area.size();
        self.bytes.extend(b"ANMF\0\0\0\0");
        for value in [area.left / 2, area.top / 2, width.saturating_sub(1), height.saturating_sub(1), 0] {
            self.bytes.extend(u24(value));
        }
        self.bytes.push(if over { 0 } else { 2 });
        for chunk in Chunks::of(file).map_err(|cut| PixelError::Encode(cut.into()))? {
            let chunk = chunk.map_err(|cut| PixelError::Encode(cut.into()))?;
            if !matches!(&chunk.name, b"VP8 " | b"VP8L" | b"ALPH") {
                continue;
            }
            self.alpha |= chunk.name != *b"VP8 ";
            self.bytes.extend(chunk.name);
            self.bytes.extend(u32::try_from(chunk.payload.len()).map_err(|_| too_long())?.to_le_bytes());
            self.bytes.extend(chunk.payload);
            self.bytes.resize(self.bytes.len().next_multiple_of(2), 0);
        }
        let len = u32::try_from(self.bytes.len() - at - 8).map_err(|_| too_long())?;
        self.bytes[at + 4..at + 8].copy_from_slice(&len.to_le_bytes());
        self.last = (at + PIECE_BYTES - 4, 0);
        self.pieces += 1;
        self.hold(ms);
        Ok(())
    }

    /// Shows the last piece for longer.
    pub(crate) fn hold(&mut self, ms: u32) {
        let (at, so_far) = self.last;
        let ms = so_far.saturating_add(ms).min(MS_MAX);
        self.last = (at, ms);
        if self.pieces > 0 {
            self.bytes[at..at + 3].copy_from_slice(&u24(ms));
        }
    }

    /// The whole file.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, PixelError> {
        const ANIMATION: u8 = 0x02;
        const ALPHA: u8 = 0x10;
        self.bytes[20] = if self.alpha { ANIMATION | ALPHA } else { ANIMATION };
        let len = u32::try_from(self.bytes.len() - 8).map_err(|_| too_long())?;
        self.bytes[4..8].copy_from_slice(&len.to_le_bytes());
        Ok(self.bytes)
    }
}
