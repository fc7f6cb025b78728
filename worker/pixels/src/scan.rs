//! The coefficients of a JPEG's scan that is Huffman-coded (ITU-T T.81, F.2 and G.2), on
//! which libjpeg spends half of a photo's time and more of a progressive one's. All else
//! of a file stays libjpeg's, and so do scans of other kinds.
//!
//! What is faster here: bits are had eight bytes at a time; one look says where the next
//! code begins, whatever the value is; and what is zero in a block is a set of bits.

#![expect(
    clippy::cast_possible_truncation,
    reason = "coefficients are of sixteen bits, and what is looked up of fewer"
)]
#![expect(clippy::inline_always, reason = "what is ahead is to stay in registers")]

mod bits;
mod codes;
mod order;
mod passes;

pub(crate) use self::codes::Codes;

use self::{
    bits::Bits,
    codes::{Kind, Table},
    passes::Band,
};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::_pdep_u64;

/// The coefficients of a block, row by row.
pub(crate) type Block = [i16; 64];

/// What is wrong with a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScanError {
    /// A marker, or the end of the file, comes before the last block.
    CutShort,
    /// Bits that mean nothing.
    BadCode,
}

/// One block in each unit of a scan (an MCU).
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Place {
    /// Which of the scan's components it is of.
    pub(crate) component: u8,
    /// Which codes its first coefficient has.
    pub(crate) dc: u8,
    /// Which codes all others have.
    pub(crate) ac: u8,
}

/// What a file says of a scan (T.81, B.2.3).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header<'a> {
    /// Whether scans are of a part of the coefficients, or of their bits.
    pub(crate) is_progressive: bool,
    /// The coefficients that it is about (Ss and Se).
    pub(crate) band: (u8, u8),
    /// The lowest bit that is known, if any is, and that is told (Ah and Al).
    pub(crate) bits: (u8, u8),
    /// The codes there are, of first coefficients and of others.
    pub(crate) codes: [[Option<&'a Codes>; 4]; 2],
    /// The blocks of each unit, in the order of the file.
    pub(crate) places: &'a [Place],
}

/// The kinds of scans.
#[derive(Clone, Copy, Debug)]
enum Pass {
    Whole,
    First,
    RefineFirst,
    Band,
    RefineBand,
}

impl Pass {
    /// The codes that it needs.
    fn kinds(self) -> (Option<Kind>, Option<Kind>) {
        match self {
            Self::Whole => (Some(Kind::Dc), Some(Kind::Ac)),
            Self::First => (Some(Kind::Dc), None),
            Self::RefineFirst => (None, None),
            Self::Band | Self::RefineBand => (None, Some(Kind::Band)),
        }
    }
}

/// A scan that is being read.
#[derive(Debug)]
pub(crate) struct Scan {
    pass: Pass,
    band: Band,
    tables: Vec<Box<Table>>,
    /// The numbers of codes are those of their tables here.
    places: Vec<Place>,
    has_pdep: bool,
    state: State,
}

/// Where it is.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    ahead: u64,
    count: u32,
    at: usize,
    is_over: bool,
    /// The last first coefficient of each component.
    last: [i32; 4],
    /// More blocks without anything new in the band.
    blocks: u32,
}

/// Whether PDEP is one instruction: within AMD's processors that have neither of these it is a
/// program.
fn has_pdep() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("vaes") || is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// A set without so many of its lowest.
#[inline(always)]
fn skip(mut set: u64, count: usize) -> u64 {
    for _ in 0..count {
        set &= set.wrapping_sub(1);
    }
    set
}

/// Tables, each made when it is first asked for.
#[derive(Default)]
struct Tables {
    tables: Vec<Box<Table>>,
    made_of: Vec<(Kind, u8)>,
}

impl Tables {
    /// The number of the one for these codes; any where none is needed.
    fn number(&mut self, kind: Option<Kind>, codes: [Option<&Codes>; 4], of: u8) -> Option<u8> {
        let Some(kind) = kind else { return Some(0) };
        let at = self.made_of.iter().position(|made| *made == (kind, of));
        if at.is_none() {
            self.tables.push(Table::new(kind, (*codes.get(usize::from(of))?)?)?);
            self.made_of.push((kind, of));
        }
        u8::try_from(at.unwrap_or(self.tables.len() - 1)).ok()
    }
}

impl Scan {
    /// `None` if there is no such scan, or codes for it are missing.
    pub(crate) fn new(header: Header<'_>) -> Option<Self> {
        let (first, last) = header.band;
        let (known, low) = header.bits;
        let pass = match (header.is_progressive, first, known) {
            (false, ..) => Pass::Whole,
            (true, 0, 0) => Pass::First,
            (true, 0, _) => Pass::RefineFirst,
            (true, _, 0) => Pass::Band,
            (true, ..) => Pass::RefineBand,
        };
        let is_band = header.places.len() == 1 && first <= last && last <= 63;
        if matches!(pass, Pass::Band | Pass::RefineBand) && !is_band || header.is_progressive && low > 13 {
            return None;
        }
        let (dc, ac) = pass.kinds();
        let mut tables = Tables::default();
        let mut places = Vec::new();
        for place in header.places {
            let dc = tables.number(dc, header.codes[0], place.dc)?;
            let ac = tables.number(ac, header.codes[1], place.ac)?;
            places.push(Place { component: place.component & 3, dc, ac });
        }
        // Of a scan that is not progressive, all that is said of bands is without a meaning.
        let band = Band { first: first.into(), last: last.into(), low: low.into() };
        Some(Self { pass, band, tables: tables.tables, places, has_pdep: has_pdep(), state: State::default() })
    }

    /// Begins anew, after a marker, at this byte of the file.
    pub(crate) fn restart(&mut self, at: usize) {
        self.state = State { at, ..State::default() };
    }

    /// The byte of the file up to which it is read.
    pub(crate) fn at(&self) -> usize {
        self.state.at
    }

    /// Reads the next unit into its blocks, which hold what scans before this one said.
    pub(crate) fn read(&mut self, file: &[u8], blocks: &mut [&mut Block]) -> Result<(), ScanError> {
        self.read_unit::<false>(file, blocks, skip)
    }

    /// The same, on a processor that has these instructions.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "bmi1,bmi2,lzcnt,popcnt")]
    pub(crate) fn read_by_bmi(&mut self, file: &[u8], blocks: &mut [&mut Block]) -> Result<(), ScanError> {
        if matches!(self.pass, Pass::Whole) { self.whole_by_bmi(file, blocks) } else { self.part_by_bmi(file, blocks) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "bmi1,bmi2,lzcnt,popcnt")]
    #[inline(never)]
    fn whole_by_bmi(&mut self, file: &[u8], blocks: &mut [&mut Block]) -> Result<(), ScanError> {
        self.read_unit::<true>(file, blocks, |set, _| set)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "bmi1,bmi2,lzcnt,popcnt")]
    #[inline(never)]
    fn part_by_bmi(&mut self, file: &[u8], blocks: &mut [&mut Block]) -> Result<(), ScanError> {
        if !self.has_pdep {
            return self.read_unit::<false>(file, blocks, skip);
        }
        self.read_unit::<false>(file, blocks, |set, count| _pdep_u64(u64::MAX.wrapping_shl(count as u32), set))
    }

    #[inline(always)]
    fn read_unit<const IS_WHOLE: bool>(
        &mut self,
        file: &[u8],
        blocks: &mut [&mut Block],
        skip: impl Fn(u64, usize) -> u64,
    ) -> Result<(), ScanError> {
        let (state, band) = (&mut self.state, self.band);
        let rest = file.get(state.at..).unwrap_or_default();
        let mut bits = Bits { ahead: state.ahead, count: state.count, rest, is_over: state.is_over };
        let mut outcome = Ok(());
        for (place, block) in self.places.iter().zip(blocks) {
            let codes = |number: u8| self.tables.get(usize::from(number)).ok_or(ScanError::BadCode);
            let last = &mut state.last[usize::from(place.component & 3)];
            let bits = &mut bits;
            outcome = match if IS_WHOLE { Pass::Whole } else { self.pass } {
                Pass::Whole => {
                    let (dc, ac) = (codes(place.dc)?, codes(place.ac)?);
                    passes::first(bits, dc, last, 0, block).and_then(|()| passes::others(bits, ac, block))
                }
                Pass::First => passes::first(bits, codes(place.dc)?, last, band.low, block),
                Pass::RefineFirst => passes::refine_first(bits, band.low, block),
                Pass::Band => passes::band(bits, codes(place.ac)?, band, &mut state.blocks, block),
                Pass::RefineBand => passes::refine_band(bits, codes(place.ac)?, band, &mut state.blocks, block, &skip),
            };
            if outcome.is_err() {
                break;
            }
        }
        (state.ahead, state.count, state.is_over) = (bits.ahead, bits.count, bits.is_over);
        state.at = file.len() - bits.rest.len();
        outcome
    }
}
