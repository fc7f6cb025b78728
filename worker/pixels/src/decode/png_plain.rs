//! The pixels of the PNGs that most are: red, green, blue and maybe opacity of eight bits,
//! row after row. What the file says besides them has been read, by the crate `png`, which
//! reads all pixels of the others.

use super::unfilter;
use fdeflate::Decompressor;

/// How far back a stream may refer (RFC 1950, 2.2).
const WINDOW: usize = 32 << 10;
/// So much is inflated at a time, if rows are not longer: less than a processor's second cache.
const WORK: usize = 128 << 10;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlainError {
    #[error("the file ends before the picture does")]
    CutShort,
    #[error("a chunk's checksum does not match")]
    Checksum,
    #[error("a chunk that has no place here")]
    Chunk,
    #[error("a filter that there is not")]
    Filter,
    #[error("pixels that cannot be inflated: {0:?}")]
    Stream(fdeflate::DecompressionError),
}

/// A chunk (PNG, 5.3): its type, what is in it, and the file after it.
type Chunk<'a> = ([u8; 4], &'a [u8], &'a [u8]);

fn chunk(file: &[u8]) -> Result<Chunk<'_>, PlainError> {
    let (len, rest) = file.split_first_chunk().ok_or(PlainError::CutShort)?;
    let (kind, _) = rest.split_first_chunk().ok_or(PlainError::CutShort)?;
    let len = u32::from_be_bytes(*len) as usize;
    let (checked, rest) = rest.split_at_checked(len.saturating_add(4)).ok_or(PlainError::CutShort)?;
    let (sum, rest) = rest.split_first_chunk().ok_or(PlainError::CutShort)?;
    // What is not critical may be damaged: nothing depends on it.
    if is_critical(*kind) && crc32fast::hash(checked) != u32::from_be_bytes(*sum) {
        return Err(PlainError::Checksum);
    }
    Ok((*kind, &checked[4..], rest))
}

fn is_critical(kind: [u8; 4]) -> bool {
    kind[0] & 0x20 == 0
}

/// Fills all of `pixels`, which are of rows of `width` pixels of `N` bytes.
pub(super) fn decode<const N: usize>(file: &[u8], width: usize, pixels: &mut [u8]) -> Result<(), PlainError> {
    let mut rest = file.get(8..).ok_or(PlainError::CutShort)?;
    let mut rows = Rows::<N>::new(width, pixels);
    let (mut has_begun, mut is_over) = (false, false);
    loop {
        let (kind, data, after) = chunk(rest)?;
        rest = after;
        is_over |= has_begun && kind != *b"IDAT";
        has_begun |= kind == *b"IDAT";
        match &kind {
            b"IDAT" if !is_over => rows.read(data)?,
            b"IEND" => return rows.finish(),
            // A palette to suggest may be out of place; nothing else that is critical may.
            b"PLTE" => {}
            _ if has_begun && is_critical(kind) => return Err(PlainError::Chunk),
            _ => {}
        }
    }
}

/// Rows that are being made.
struct Rows<'a, const N: usize> {
    stream: Box<Decompressor>,
    /// What was inflated last, at the end the next bytes of it: rows up to `done` are made.
    inflated: Vec<u8>,
    filled: usize,
    done: usize,
    /// A row of pixels.
    row_bytes: usize,
    nothing: Vec<u8>,
    pixels: &'a mut [u8],
    /// Bytes of pixels that are made.
    made: usize,
}

impl<'a, const N: usize> Rows<'a, N> {
    fn new(width: usize, pixels: &'a mut [u8]) -> Self {
        let row_bytes = width * N;
        let mut stream = Box::new(Decompressor::new());
        // Each chunk has a checksum of its own.
        stream.ignore_adler32();
        let inflated = vec![0; WINDOW + WORK.max(3 * (row_bytes + 1))];
        Self { stream, inflated, filled: 0, done: 0, row_bytes, nothing: vec![0; row_bytes], pixels, made: 0 }
    }

    fn is_full(&self) -> bool {
        self.made == self.pixels.len()
    }

    /// What comes after the last row is neither inflated nor looked at.
    fn read(&mut self, mut data: &[u8]) -> Result<(), PlainError> {
        while !data.is_empty() && !self.stream.is_done() && !self.is_full() {
            let read = self.inflate(data, false)?;
            data = &data[read..];
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PlainError> {
        while !self.stream.is_done() && !self.is_full() {
            self.inflate(&[], true)?;
        }
        if self.is_full() { Ok(()) } else { Err(PlainError::CutShort) }
    }

    fn inflate(&mut self, data: &[u8], is_end: bool) -> Result<usize, PlainError> {
        // Rows that are not made yet are less than two, so there is room for another.
        if self.inflated.len() - self.filled < WORK / 2 {
            let kept = self.done.min(self.filled.saturating_sub(WINDOW));
            self.inflated.copy_within(kept..self.filled, 0);
            self.filled -= kept;
            self.done -= kept;
        }
        let left = (self.pixels.len() - self.made) / self.row_bytes * (self.row_bytes + 1);
        let room = self.inflated.len().min(self.done + left);
        let inflated = self.stream.read(data, &mut self.inflated[..room], self.filled, is_end);
        let (read, written) = inflated.map_err(PlainError::Stream)?;
        self.filled += written;
        self.make()?;
        Ok(read)
    }

    /// Makes rows of what is there, two at a time unless there is one left.
    fn make(&mut self) -> Result<(), PlainError> {
        let (row_bytes, stored_bytes) = (self.row_bytes, self.row_bytes + 1);
        loop {
            let left = (self.pixels.len() - self.made) / row_bytes;
            let there = (self.filled - self.done) / stored_bytes;
            if left == 0 || there < left.min(2) {
                return Ok(());
            }
            let (before, after) = self.pixels.split_at_mut(self.made);
            let above = if before.is_empty() { &self.nothing } else { &before[before.len() - row_bytes..] };
            let mut stored =
                self.inflated[self.done..self.filled].chunks_exact(stored_bytes).map(|row| (row[0], &row[1..]));
            let (first, second) = (stored.next().ok_or(PlainError::CutShort)?, stored.next());
            let mut rows = after.chunks_exact_mut(row_bytes);
            let (upper, lower) = (rows.next().ok_or(PlainError::CutShort)?, rows.next());
            let are_two = match (second, lower) {
                (Some(second), Some(lower)) => unfilter::two_rows::<N>([first, second], above, [&mut *upper, lower]),
                _ => false,
            };
            if !are_two {
                unfilter::row::<N>(first, above, upper).ok_or(PlainError::Filter)?;
            }
            let count = if are_two { 2 } else { 1 };
            self.done += count * stored_bytes;
            self.made += count * row_bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use png::{BitDepth, ColorType, Decoder, Encoder, Filter};
    use std::io::Cursor;

    /// A file of noise over a slope.
    fn file(color: ColorType, (width, height): (u32, u32), filter: Filter) -> Vec<u8> {
        let mut state = 1_u32;
        let pixels: Vec<u8> = (0..width as usize * height as usize * color.samples())
            .map(|at| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Now and then an extreme.
                let noise = u8::try_from(state >> 27).unwrap();
                if noise == 0 { 255 } else { u8::try_from(at % 199).unwrap() + noise }
            })
            .collect();
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, width, height);
        encoder.set_color(color);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_filter(filter);
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        bytes
    }

    fn by_crate(file: &[u8]) -> (usize, Vec<u8>) {
        let mut reader = Decoder::new(Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        (reader.info().width as usize, pixels)
    }

    fn plain(file: &[u8], color: ColorType, width: usize, len: usize) -> Result<Vec<u8>, PlainError> {
        let mut pixels = vec![0; len];
        match color {
            ColorType::Rgb => decode::<3>(file, width, &mut pixels)?,
            _ => decode::<4>(file, width, &mut pixels)?,
        }
        Ok(pixels)
    }

    const FILTERS: [Filter; 6] =
        [Filter::NoFilter, Filter::Sub, Filter::Up, Filter::Avg, Filter::Paeth, Filter::Adaptive];

    #[test]
    fn pixels_are_those_that_the_crate_reads() {
        for color in [ColorType::Rgb, ColorType::Rgba] {
            for filter in FILTERS {
                for size in [(1, 1), (1, 9), (2, 5), (3, 4), (4, 3), (5, 2), (64, 31), (317, 300), (30_000, 5)] {
                    let file = file(color, size, filter);
                    let (width, meant) = by_crate(&file);
                    let made = plain(&file, color, width, meant.len()).unwrap();
                    assert!(made == meant, "{color:?}, {filter:?}, {size:?}");
                }
            }
        }
    }

    /// The file's chunks, by name, with their checksums made anew.
    fn joined(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        for (kind, data) in chunks {
            file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
            let checked = [kind.as_slice(), data].concat();
            file.extend(&checked);
            file.extend(crc32fast::hash(&checked).to_be_bytes());
        }
        file
    }

    /// What is in a file's chunks.
    fn data_of(file: &[u8]) -> Vec<u8> {
        let (mut rest, mut data) = (&file[8..], Vec::new());
        while let Ok((kind, of_chunk, after)) = chunk(rest) {
            rest = after;
            if kind == *b"IDAT" {
                data.extend(of_chunk);
            }
        }
        data
    }

    #[test]
    fn data_may_be_in_any_pieces_and_other_chunks_around_it() {
        let whole = file(ColorType::Rgb, (40, 30), Filter::Adaptive);
        let (width, meant) = by_crate(&whole);
        let data = data_of(&whole);
        let mut chunks: Vec<(&[u8; 4], &[u8])> = vec![(b"tEXt", b"a\0b"), (b"PLTE", &[0; 3])];
        chunks.extend(data.chunks(7).flat_map(|piece| [(b"IDAT", piece), (b"IDAT", &[][..])]));
        chunks.extend([(b"tIME", &[0; 7][..]), (b"IEND", &[])]);
        let mut pieces = joined(&chunks);
        assert!(plain(&pieces, ColorType::Rgb, width, meant.len()).unwrap() == meant);
        // What follows the end, or the last row, is nobody's.
        pieces.extend(b"more");
        assert!(plain(&pieces, ColorType::Rgb, width, meant.len()).unwrap() == meant);
        assert!(plain(&pieces, ColorType::Rgb, width, meant.len() - 120).unwrap() == meant[..meant.len() - 120]);
        let after = |kind: &[u8; 4], more: &[u8]| {
            let file = joined(&[(b"IDAT", &data), (kind, more), (b"IEND", &[])]);
            plain(&file, ColorType::Rgb, width, meant.len())
        };
        assert!(after(b"PLTE", &[0; 3]).unwrap() == meant);
        assert!(matches!(after(b"IHDR", &[0; 13]), Err(PlainError::Chunk)));
        let apart = joined(&[(b"IDAT", &data[..9]), (b"tEXt", b"a\0b"), (b"IDAT", &data[9..]), (b"IEND", &[])]);
        assert!(matches!(plain(&apart, ColorType::Rgb, width, meant.len()), Err(PlainError::Chunk)));
    }

    #[test]
    fn what_is_cut_or_damaged_is_refused_wherever_that_is() {
        let whole = file(ColorType::Rgba, (12, 9), Filter::Paeth);
        let (width, meant) = by_crate(&whole);
        for cut in 0..whole.len() {
            assert!(plain(&whole[..cut], ColorType::Rgba, width, meant.len()).is_err(), "cut at {cut}");
        }
        for at in 8..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            assert!(plain(&damaged, ColorType::Rgba, width, meant.len()).is_err(), "byte {at}");
        }
        // Checksums that match do not make data of what is none.
        let data = data_of(&whole);
        let again =
            |data: &[u8]| plain(&joined(&[(b"IDAT", data), (b"IEND", &[])]), ColorType::Rgba, width, meant.len());
        assert!(again(&data).unwrap() == meant);
        assert!(matches!(again(&data[..data.len() / 2]), Err(PlainError::Stream(_) | PlainError::CutShort)));
        assert!(matches!(again(b"not zlib"), Err(PlainError::Stream(_))));
        // A length and a distance that lead nowhere, after the last row (RFC 1951, 3.2.6).
        let mut beyond = fdeflate::compress_to_vec(&[0, 1, 2, 3]);
        beyond.truncate(2);
        // Last block, fixed codes: 0, 1, 2, 3 as literals, length 3, distance 24,577.
        let bits = "1 10 00110000 00110001 00110010 00110011 0000001 11101 00000000000";
        let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
        beyond.extend(bits.chunks(8).map(|eight| eight.iter().rev().fold(0, |byte, bit| byte << 1 | bit)));
        beyond.extend([0; 8]);
        let one = joined(&[(b"IDAT", &beyond), (b"IEND", &[])]);
        assert_eq!(plain(&one, ColorType::Rgb, 1, 3).unwrap(), [1, 2, 3]);
        assert!(matches!(plain(&one, ColorType::Rgb, 1, 6), Err(PlainError::Stream(_))));
        let mut rows = vec![0; 9 * (12 * 4 + 1)];
        rows[3 * (12 * 4 + 1)] = 5;
        assert!(matches!(again(&fdeflate::compress_to_vec(&rows)), Err(PlainError::Filter)));
        assert!(matches!(again(&fdeflate::compress_to_vec(&rows[..100])), Err(PlainError::CutShort)));
    }
}
