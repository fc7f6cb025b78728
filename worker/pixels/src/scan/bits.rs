//! The bits of a scan, up to its next marker (ITU-T T.81, F.2.2.5).

use super::{ScanError, codes::Entry};

/// Bits ahead, the next one highest, and the bytes after them.
pub(super) struct Bits<'a> {
    pub(super) ahead: u64,
    /// How many of those count. Some that do not may be there, as the file has them, or zeros.
    pub(super) count: u32,
    pub(super) rest: &'a [u8],
    /// Whether there is a marker, or the end of the file.
    pub(super) is_over: bool,
}

/// So many bits are had at once, and up to eight more.
pub(super) const FILLED: u32 = 56;

impl Bits<'_> {
    /// Gets so many, which may be [`FILLED`], unless it is over.
    #[inline(always)]
    pub(super) fn need(&mut self, count: u32) {
        if self.count < count {
            self.fill();
        }
    }

    /// Gets at least [`FILLED`], unless it is over. One of those that there may be already
    /// has to have been taken since the last time.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        const ONES: u64 = u64::from_ne_bytes([1; 8]);
        debug_assert!(self.count < 64);
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
        self.ahead = entry.after(self.ahead);
        self.count = self.count.checked_sub(entry.total()).ok_or(ScanError::CutShort)?;
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
    fn bits_come_in_any_number_wherever_bytes_are_stuffed() {
        let byte = |at: usize| u8::try_from(at * 37 % 251).unwrap();
        let mut state = 1_u32;
        for stuffed in 0..40 {
            let meant: Vec<u8> = (0..64).map(|at| if at == stuffed || at == 41 { 0xff } else { byte(at) }).collect();
            let file: Vec<u8> =
                meant.iter().flat_map(|byte| [*byte, 0].into_iter().take(1 + usize::from(*byte == 0xff))).collect();
            let mut bits = Bits { ahead: 0, count: 0, rest: &file, is_over: false };
            let mut at = 0;
            loop {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let count = 1 + (state >> 24) % FILLED;
                bits.need(count);
                if at + count > 64 * 8 {
                    assert_eq!(bits.take(count), Err(ScanError::CutShort));
                    break;
                }
                let taken = bits.take(count).unwrap() >> (64 - count);
                let one = |bit: u32| u64::from(meant[bit as usize / 8] >> (7 - bit % 8) & 1);
                assert_eq!(taken, (at..at + count).fold(0, |number, bit| number << 1 | one(bit)), "{count} from {at}");
                at += count;
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
