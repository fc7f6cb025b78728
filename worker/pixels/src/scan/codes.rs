//! Huffman codes, found by the bits ahead (ITU-T T.81, annex C and F.2.2.3).

use super::ScanError;

/// No code is longer.
const BITS_MAX: u32 = 16;
/// Codes of so many bits are found at the first look.
const AHEAD: u32 = 10;
/// The bits of a code and of the value after it are not more.
pub(super) const SYMBOL_BITS_MAX: u32 = BITS_MAX + 15;
/// Beyond the last coefficient of a block, from wherever one is.
const TO_THE_END: u32 = 64;

/// Codes by their length, as a file defines them (B.2.4.2).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Codes {
    /// How many there are of so many bits; of none there is none.
    pub(crate) counts: [u8; BITS_MAX as usize + 1],
    /// What they mean, the shortest first.
    pub(crate) symbols: [u8; 256],
}

/// What a code's symbol is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A difference of first coefficients (F.1.2.1).
    Dc,
    /// Another coefficient, or the end of the block (F.1.2.2).
    Ac,
    /// Another coefficient, or the end of the band in a number of blocks (G.1.2.2).
    Band,
}

/// What a code says. From the lowest byte: the bits of code and value together, of the
/// code, of the value, and how many coefficients are skipped. Nothing if there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry(u32);

impl Entry {
    fn new(kind: Kind, len: u32, symbol: u8) -> Self {
        let (high, low) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        let (size, skip) = match (kind, high, low) {
            (Kind::Dc, ..) => (low, 0),
            (_, 15, 0) | (_, _, 1..) => (low, high),
            (Kind::Ac, ..) => (0, TO_THE_END),
            (Kind::Band, ..) => (high, TO_THE_END),
        };
        Self((len + size) | len << 8 | size << 16 | skip << 24)
    }

    fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The bits of code and value together.
    pub(super) fn total(self) -> u32 {
        self.0 & 0xff
    }

    /// These bits without them.
    #[inline(always)]
    pub(super) fn after(self, bits: u64) -> u64 {
        // A shift is by the lowest six bits.
        bits.wrapping_shl(self.0)
    }

    /// The bits of the value.
    pub(super) fn size(self) -> u32 {
        self.0 >> 16 & 0xff
    }

    /// How many coefficients are skipped, which are all where the block ends.
    pub(super) fn skip(self) -> usize {
        (self.0 >> 24) as usize
    }

    /// Whether the block, or the band, ends here.
    pub(super) fn is_end(self) -> bool {
        self.0 >> 24 == TO_THE_END
    }

    /// What follows the code at the head of these bits, as a number without a sign.
    pub(super) fn raw(self, bits: u64) -> u32 {
        let bits = bits.wrapping_shl(self.0 >> 8);
        // Fifteen bits at most.
        (bits >> 1).wrapping_shr(63 - self.size()) as u32
    }

    /// The same as the value that it stands for (figure F.12); zero if there is none.
    #[inline(always)]
    pub(super) fn value(self, bits: u64) -> i32 {
        let bits = bits.wrapping_shl(self.0 >> 8);
        let size = self.size();
        let raw = (bits >> 1).wrapping_shr(63 - size) as i32;
        // Values whose first bit is zero are negative.
        let is_negative = !((bits.cast_signed() >> 63) as i32);
        raw - (is_negative & (1_i32.wrapping_shl(size) - 1))
    }
}

/// A file's codes.
#[derive(Debug)]
pub(super) struct Table {
    ahead: [Entry; 1 << AHEAD],
    /// The first sixteen bits that are beyond all codes of this length and shorter ones.
    limits: [u32; BITS_MAX as usize + 1],
    /// From a code of this length to its symbol.
    offsets: [u32; BITS_MAX as usize + 1],
    symbols: [u8; 256],
    kind: Kind,
}

impl Table {
    /// `None` if there are more codes than there can be, or differences of more bits
    /// than there are.
    pub(super) fn new(kind: Kind, codes: &Codes) -> Option<Box<Self>> {
        let mut table = Box::new(Self {
            ahead: [Entry::default(); 1 << AHEAD],
            limits: [0; BITS_MAX as usize + 1],
            offsets: [0; BITS_MAX as usize + 1],
            symbols: codes.symbols,
            kind,
        });
        let (mut code, mut at) = (0_u32, 0_u32);
        for len in 1..=BITS_MAX {
            let count = u32::from(codes.counts[len as usize]);
            table.offsets[len as usize] = at.wrapping_sub(code);
            let symbols = codes.symbols.get(at as usize..(at + count) as usize)?;
            if code + count > 1 << len || kind == Kind::Dc && symbols.iter().any(|size| *size > 15) {
                return None;
            }
            for symbol in symbols {
                if let Some(unused) = AHEAD.checked_sub(len) {
                    let from = (code << unused) as usize;
                    table.ahead[from..from + (1 << unused)].fill(Entry::new(kind, len, *symbol));
                }
                code += 1;
            }
            at += count;
            table.limits[len as usize] = code << (BITS_MAX - len);
            code <<= 1;
        }
        Some(table)
    }

    /// The code at the head of these bits.
    #[inline(always)]
    pub(super) fn look(&self, bits: u64) -> Result<Entry, ScanError> {
        let entry = self.ahead[(bits >> (64 - AHEAD)) as usize];
        if entry.is_none() { self.look_further(bits) } else { Ok(entry) }
    }

    #[cold]
    fn look_further(&self, bits: u64) -> Result<Entry, ScanError> {
        let ahead = (bits >> (64 - BITS_MAX)) as u32;
        let len = (AHEAD + 1..=BITS_MAX).find(|len| ahead < self.limits[*len as usize]).ok_or(ScanError::BadCode)?;
        let at = (ahead >> (BITS_MAX - len)).wrapping_add(self.offsets[len as usize]);
        Ok(Entry::new(self.kind, len, self.symbols[at as usize & 0xff]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of two bits and up to sixteen, as long as there is one more.
    fn ladder() -> Codes {
        let mut codes = Codes { counts: [0; 17], symbols: [0; 256] };
        for len in 2..=16 {
            codes.counts[len] = 1;
            codes.symbols[len - 2] = u8::try_from(len - 1).unwrap();
        }
        codes
    }

    #[test]
    fn a_code_of_any_length_is_found() {
        let table = Table::new(Kind::Dc, &ladder()).unwrap();
        for len in 2..=16_u32 {
            // Canonical codes of one a length: 00, 010, 0110, ...
            let code = ((1_u64 << (len - 1)) - 2) << (64 - len);
            let entry = table.look(code | 1).unwrap();
            assert_eq!((entry.total(), entry.size(), entry.skip()), (len + len - 1, len - 1, 0), "{len} bits");
        }
        assert_eq!(table.look(u64::MAX), Err(ScanError::BadCode));
    }

    #[test]
    fn values_have_a_sign_where_they_have_bits() {
        // F.1.2.1.1, table F.1: three bits are -7 to -4 and 4 to 7.
        let entry = Entry::new(Kind::Ac, 4, 0x23);
        for (bits, value) in [(0b000, -7), (0b011, -4), (0b100, 4), (0b111, 7)] {
            let ahead = (0b1010 << 3 | bits) << 57;
            assert_eq!((entry.value(ahead), u64::from(entry.raw(ahead)), entry.skip()), (value, bits, 2));
        }
        assert_eq!(Entry::new(Kind::Ac, 4, 0xf0).value(u64::MAX), 0);
        let end = Entry::new(Kind::Band, 4, 0x30);
        assert!(end.is_end() && end.raw(0b0101_0101 << 57) == 0b101);
        assert!(Entry::new(Kind::Ac, 4, 0x30).is_end() && !Entry::new(Kind::Ac, 4, 0xf0).is_end());
    }

    #[test]
    fn what_cannot_be_codes_is_none() {
        let mut full = Codes { counts: [0; 17], symbols: [1; 256] };
        full.counts[1] = 2;
        assert!(Table::new(Kind::Ac, &full).is_some());
        full.counts[16] = 1;
        assert!(Table::new(Kind::Ac, &full).is_none());
        let mut many = Codes { counts: [0; 17], symbols: [1; 256] };
        (many.counts[9], many.counts[10]) = (200, 57);
        assert!(Table::new(Kind::Ac, &many).is_none());
        let mut large = ladder();
        assert!(Table::new(Kind::Dc, &large).is_some());
        large.symbols[3] = 16;
        assert!(Table::new(Kind::Dc, &large).is_none() && Table::new(Kind::Ac, &large).is_some());
    }
}
