//! The order of a block's coefficients in a file: zig-zag (ITU-T T.81, figure A.6).

use super::Block;

/// The place in a block, row by row, of each coefficient in the order of the file. What
/// is beyond the last one counts as the last, as it does in libjpeg.
static PLACES: [u8; 128] = places();
/// Of each row and of each set of its places, the set of coefficients in the order of the file.
static SETS: [[u64; 256]; 8] = sets();

const fn places() -> [u8; 128] {
    let mut places = [63; 128];
    let (mut at, mut row, mut column) = (0, 0, 0);
    while at < 64 {
        places[at] = row * 8 + column;
        // Up and to the right on even diagonals, down and to the left on odd ones.
        let is_even = (row + column) % 2 == 0;
        match (is_even, row, column) {
            (true, _, 7) | (false, 0..=6, 0) => row += 1,
            (true, 0, _) | (false, 7, _) => column += 1,
            (true, ..) => (row, column) = (row - 1, column + 1),
            (false, ..) => (row, column) = (row + 1, column - 1),
        }
        at += 1;
    }
    places
}

const fn sets() -> [[u64; 256]; 8] {
    let (places, mut sets) = (places(), [[0; 256]; 8]);
    let mut at = 0;
    while at < 64 {
        let (row, column) = (places[at] / 8, places[at] % 8);
        let mut set = 0;
        while set < 256 {
            sets[row as usize][set] |= (set as u64 >> column & 1) << at;
            set += 1;
        }
        at += 1;
    }
    sets
}

/// The place of a coefficient, which may be one of the next block's.
#[inline(always)]
pub(super) fn place(at: usize) -> usize {
    usize::from(PLACES[at & 127] & 63)
}

/// Which coefficients are not zero: the lowest bit is the first one's.
#[inline(always)]
pub(super) fn set_of(block: &Block) -> u64 {
    let mut set = 0;
    for (row, sets) in block.as_chunks::<8>().0.iter().zip(&SETS) {
        let bytes = row.map(|coefficient| u8::from(coefficient != 0));
        // Each byte's lowest bit to the highest byte, the first one lowest.
        let bits = u64::from_le_bytes(bytes).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        set |= sets[bits as usize];
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_are_in_the_order_of_the_standard() {
        let head: Vec<usize> = (0..16).map(place).collect();
        assert_eq!(head, [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5]);
        let tail: Vec<usize> = (58..66).map(place).collect();
        assert_eq!(tail, [61, 54, 47, 55, 62, 63, 63, 63]);
        let mut all: Vec<usize> = (0..64).map(place).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..64));
    }

    #[test]
    fn a_set_is_of_what_is_not_zero() {
        assert_eq!(set_of(&[0; 64]), 0);
        assert_eq!(set_of(&[-1; 64]), u64::MAX);
        for at in 0..64 {
            let mut block = [0; 64];
            block[place(at)] = i16::MIN;
            assert_eq!(set_of(&block), 1 << at);
        }
    }
}
