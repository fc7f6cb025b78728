//! What a block's share of a scan does to the block, one function a kind of scan
//! (ITU-T T.81, F.2.2 and G.2).

use super::{
    Block, ScanError,
    bits::{Bits, FILLED},
    codes::{SYMBOL_BITS_MAX, Table},
    order::{place, set_of},
};

/// The coefficients that a scan is about, in the order of the file, and the lowest bit of
/// them that it tells.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Band {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) low: u32,
}

/// The first coefficient, of which there is the difference from the one before.
#[inline(always)]
pub(super) fn first(
    bits: &mut Bits<'_>,
    codes: &Table,
    last: &mut i32,
    low: u32,
    block: &mut Block,
) -> Result<(), ScanError> {
    bits.fill();
    let entry = codes.look(bits.ahead)?;
    *last = last.wrapping_add(entry.value(bits.ahead));
    block[0] = (*last << low) as i16;
    bits.pass(entry)
}

/// The next bit of the first coefficient.
#[inline(always)]
pub(super) fn refine_first(bits: &mut Bits<'_>, low: u32, block: &mut Block) -> Result<(), ScanError> {
    bits.need(1);
    block[0] |= ((bits.take(1)? >> 63) << low) as i16;
    Ok(())
}

/// All others at once, into a block where they are zero: those that are skipped, and the last
/// one, may be set to that.
#[inline(always)]
pub(super) fn others(bits: &mut Bits<'_>, codes: &Table, block: &mut Block) -> Result<(), ScanError> {
    /// So many symbols mostly come of the bits that are had at once.
    const TURNS: u32 = 3;
    let mut at = 1;
    // Of what the first coefficient left, and then of as much as there can be.
    loop {
        for _ in 0..TURNS {
            bits.need(SYMBOL_BITS_MAX);
            let entry = codes.look(bits.ahead)?;
            at += entry.skip();
            // A zero where there is no value, as what is there.
            block[place(at)] = entry.value(bits.ahead) as i16;
            at += 1;
            bits.pass(entry)?;
            if at >= 64 {
                return Ok(());
            }
        }
        bits.fill();
    }
}

/// Those of a band for the first time. What is left of a run of blocks without any is
/// `blocks`. A function for a symbol, which this one and [`refine_band`] would share, costs both
/// a twentieth of a picture's time.
#[inline(always)]
pub(super) fn band(
    bits: &mut Bits<'_>,
    codes: &Table,
    band: Band,
    blocks: &mut u32,
    block: &mut Block,
) -> Result<(), ScanError> {
    if *blocks > 0 {
        *blocks -= 1;
        return Ok(());
    }
    let mut at = band.first;
    while at <= band.last {
        bits.need(SYMBOL_BITS_MAX);
        let entry = codes.look(bits.ahead)?;
        let (value, raw) = (entry.value(bits.ahead), entry.raw(bits.ahead));
        bits.pass(entry)?;
        if entry.is_end() {
            *blocks = (1 << entry.size()) - 1 + raw;
            break;
        }
        at += entry.skip();
        if value != 0 {
            block[place(at)] = (value << band.low) as i16;
        }
        at += 1;
    }
    Ok(())
}

/// The next bit of those of a band that are not zero, and those that are zero no more.
#[inline(always)]
pub(super) fn refine_band(
    bits: &mut Bits<'_>,
    codes: &Table,
    band: Band,
    blocks: &mut u32,
    block: &mut Block,
    skip: impl Fn(u64, usize) -> u64,
) -> Result<(), ScanError> {
    let all = u64::MAX >> (63 - band.last) & u64::MAX << band.first;
    let mut known = set_of(block) & all;
    let mut zeros = !known & all;
    let mut next = band.first;
    while *blocks == 0 && next <= band.last {
        bits.need(SYMBOL_BITS_MAX);
        let entry = codes.look(bits.ahead)?;
        let (value, raw) = (entry.value(bits.ahead), entry.raw(bits.ahead));
        bits.pass(entry)?;
        if entry.is_end() {
            *blocks = (1 << entry.size()) + raw;
            break;
        }
        zeros = skip(zeros, entry.skip());
        // The zero after as many as are skipped, and all that come before it.
        let at = zeros.trailing_zeros() as usize;
        let before = zeros.wrapping_sub(1) & !zeros;
        zeros &= zeros.wrapping_sub(1);
        correct(bits, known & before, band.low, block)?;
        known &= !before;
        if value != 0 {
            if entry.size() > 1 || at > band.last {
                return Err(ScanError::BadCode);
            }
            block[place(at)] = (value << band.low) as i16;
        }
        next = at + 1;
    }
    if *blocks > 0 {
        correct(bits, known, band.low, block)?;
        *blocks -= 1;
    }
    Ok(())
}

/// The next bit of each of these coefficients, away from zero.
#[inline(always)]
fn correct(bits: &mut Bits<'_>, mut set: u64, low: u32, block: &mut Block) -> Result<(), ScanError> {
    while set != 0 {
        let count = set.count_ones().min(FILLED);
        bits.need(count);
        let mut taken = bits.take(count)?;
        for _ in 0..count {
            let coefficient = &mut block[place(set.trailing_zeros() as usize)];
            let sign = *coefficient >> 15;
            let step = ((1_i16 << low) ^ sign) - sign;
            // Not to one that has it, in a file where the bit was told before.
            let is_one = (taken >> 63) as i16 & !(*coefficient >> low) & 1;
            *coefficient = coefficient.wrapping_add(step & -is_one);
            taken <<= 1;
            set &= set - 1;
        }
    }
    Ok(())
}
