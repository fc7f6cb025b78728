//! The bits of a scan, up to its next marker (ITU-T T.81, F.2.2.5).

use super::{ScanError, codes::Entry};

/// Bits ahead, the next one highest, and the bytes after them.
pub(super) struct Bits<'a> {
    pub(super) ahead: u64,
    /// How many of those are of the file; zeros follow.
    pub(super) count: u32,
    pub(super) rest: &'a [u8],
    /// Whether there is a marker, or the end of the file.
    pub(super) is_over: bool,
}

/// So many bits are had at once, and up to seven more.
pub(super) const FILLED: u32 = 56;

impl Bits<'_> {
    /// Gets so many, which may be [`FILLED`], unless it is over.
    #[inline(always)]
    pub(super) fn need(&mut self, count: u32) {
        if self.count < count {
            self.fill();
        }
    }

    /// Gets at least [`FILLED`], unless it is over.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        const ONES: u64 = u64::from_ne_bytes([1; 8]);
        if let Some(word) = self.rest.first_chunk() {
            let word = u64::from_be_bytes(*word);
            // No byte of it is 0xff, which may be a marker's.
            if (!word).wrapping_sub(ONES) & word & (ONES << 7) == 0 {
                let taken = 63_u32.wrapping_sub(self.count) >> 3 & 7;
                self.ahead |= word.wrapping_shr(self.count);
                self.count |= FILLED;
                self.rest = &self.rest[taken as usize..];
                return;
            }
        }
        if !self.is_over {
            let (ahead, count, taken) = by_bytes(self.ahead, self.count, self.rest);
            (self.ahead, self.count) = (ahead, count);
            self.rest = self.rest.get(taken..).unwrap_or_default();
            self.is_over = count <= FILLED;
        }
    }

    /// Goes on to after a code and its value.
    #[inline(always)]
    pub(super) fn pass(&mut self, entry: Entry) -> Result<(), ScanError> {
        self.ahead = self.ahead.wrapping_shl(entry.total());
        self.count = self.count.checked_sub(entry.total() & 0xff).ok_or(ScanError::CutShort)?;
        Ok(())
    }

    /// Takes so many, of those that are ahead, to the highest bits.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> Result<u64, ScanError> {
        let taken = self.ahead;
        self.ahead = self.ahead.wrapping_shl(count);
        self.count = self.count.checked_sub(count).ok_or(ScanError::CutShort)?;
        Ok(taken)
    }
}

/// Takes one byte after the other, as long as there is room: bits, their count, and
/// how many bytes were taken.
#[inline(never)]
fn by_bytes(mut ahead: u64, mut count: u32, file: &[u8]) -> (u64, u32, usize) {
    let mut rest = file;
    while count <= FILLED {
        let taken = match rest {
            [0xff, ..] => {
                // Any number of them and a zero stand for one.
                let ones = rest.iter().take_while(|byte| **byte == 0xff).count();
                if rest.get(ones) == Some(&0) { ones + 1 } else { break }
            }
            [_, ..] => 1,
            [] => break,
        };
        ahead |= u64::from(rest[0]) << (FILLED - count);
        count += 8;
        rest = &rest[taken..];
    }
    (ahead, count, file.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All bits there are, eight at a time.
    fn read(file: &[u8]) -> Vec<u8> {
        let mut bits = Bits { ahead: 0, count: 0, rest: file, is_over: false };
        let mut bytes = Vec::new();
        loop {
            bits.need(8);
            match bits.take(8) {
                Ok(taken) => bytes.push((taken >> 56) as u8),
                Err(error) => {
                    assert_eq!(error, ScanError::CutShort);
                    return bytes;
                }
            }
        }
    }

    #[test]
    fn what_is_stuffed_is_taken_out_and_a_marker_ends_it() {
        let long: Vec<u8> = (0..200).collect();
        assert_eq!(read(&long), long);
        let stuffed = [&long[..], b"\xff\0", &long, b"\xff\xff\xff\0\xff\0", &long].concat();
        let meant = [&long[..], b"\xff", &long, b"\xff\xff", &long].concat();
        assert_eq!(read(&stuffed), meant);
        for end in [&b"\xff\xd9"[..], b"\xff\xff\xd0", b"\xff", b"\xff\xff", b""] {
            assert_eq!(read(&[&stuffed[..], end].concat()), meant, "{end:x?}");
        }
        assert!(read(b"").is_empty());
    }
}
