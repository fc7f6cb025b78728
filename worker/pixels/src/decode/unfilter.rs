//! PNG's filters undone (PNG, 9.2), for pixels of three or four bytes.

mod lanes;

use self::lanes::Lanes;

/// A row's filters, by their numbers in a file.
const NONE: u8 = 0;
const SUB: u8 = 1;
const UP: u8 = 2;
const AVERAGE: u8 = 3;
const PAETH: u8 = 4;

/// A row as it is stored: the number of its filter, and what that left of the pixels.
pub(super) type Stored<'a> = (u8, &'a [u8]);

/// Makes a row's pixels, of `N` bytes each, from what is stored and from the row above.
/// All are equally long. `None` if there is no such filter.
pub(super) fn row<const N: usize>((filter, stored): Stored<'_>, above: &[u8], row: &mut [u8]) -> Option<()> {
    let (pixels, _) = row.as_chunks_mut::<N>();
    let (stored, above) = (stored.as_chunks::<N>().0, above.as_chunks::<N>().0);
    let mut left = [0; N];
    let mut corner = [0; N];
    let rows = pixels.iter_mut().zip(stored).zip(above);
    match filter {
        NONE => rows.for_each(|((pixel, stored), _)| *pixel = *stored),
        UP => rows.for_each(|((pixel, stored), above)| *pixel = each(|at| stored[at].wrapping_add(above[at]))),
        SUB => rows.for_each(|((pixel, stored), _)| {
            left = each(|at| stored[at].wrapping_add(left[at]));
            *pixel = left;
        }),
        AVERAGE => rows.for_each(|((pixel, stored), above)| {
            left = each(|at| stored[at].wrapping_add(left[at].midpoint(above[at])));
            *pixel = left;
        }),
        PAETH => rows.for_each(|((pixel, stored), above)| {
            left = each(|at| stored[at].wrapping_add(paeth_of(left[at], above[at], corner[at])));
            (*pixel, corner) = (left, *above);
        }),
        _ => return None,
    }
    Some(())
}

/// Makes two rows at once of two that are stored by Paeth's filter, which waits for each
/// pixel before the next: a pixel of the upper one, and of the lower one that to the left
/// of it. `false` if they are not of that filter, or too short.
#[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "SSE2 is asked for by its name"))]
pub(super) fn two_rows<const N: usize>(stored: [Stored<'_>; 2], above: &[u8], rows: [&mut [u8]; 2]) -> bool {
    // SAFETY: SSE2 is a part of x86-64.
    #[cfg(target_arch = "x86_64")]
    return unsafe { by_lanes::<N>(stored, above, rows) };
    #[cfg(not(target_arch = "x86_64"))]
    return by_lanes::<N>(stored, above, rows);
}

#[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse2"))]
fn by_lanes<const N: usize>(stored: [Stored<'_>; 2], above: &[u8], rows: [&mut [u8]; 2]) -> bool {
    let [(PAETH, upper_stored), (PAETH, lower_stored)] = stored else { return false };
    let [upper, lower] = rows;
    // Pixels are taken and put back four bytes at a time: of three, with the first
    // of the next one, which comes after it.
    let count = upper.len() / N;
    if count < 3 {
        return false;
    }
    // The first of the upper row has only the one above.
    for at in 0..N {
        upper[at] = upper_stored[at].wrapping_add(above[at]);
    }
    let mut left = Lanes::of(four(upper, 0), 0);
    let mut corner = Lanes::of(four(above, 0), 0);
    for at in 1..count - 1 {
        let (here, before) = (at * N, (at - 1) * N);
        let stored = Lanes::of(four(upper_stored, here), four(lower_stored, before));
        let over = Lanes::of(four(above, here), 0).under(left);
        let pixels = Lanes::paeth(left, over, corner).plus(stored);
        let (upper_pixel, lower_pixel) = pixels.bytes();
        put(upper, here, upper_pixel);
        put(lower, before, lower_pixel);
        (left, corner) = (pixels, over);
    }
    // What is left over is a pixel of the upper row and two of the lower one.
    for at in (count - 1) * N..count * N {
        upper[at] = upper_stored[at].wrapping_add(paeth_of(upper[at - N], above[at], above[at - N]));
    }
    for at in (count - 2) * N..count * N {
        let left = if at >= N { lower[at - N] } else { 0 };
        let corner = if at >= N { upper[at - N] } else { 0 };
        lower[at] = lower_stored[at].wrapping_add(paeth_of(left, upper[at], corner));
    }
    true
}

/// The one of three neighbours that is nearest to their plane (PNG, 9.4), without a branch:
/// where the corner is beyond the others, it is the one that is farther from it.
#[inline]
fn paeth(left: i16, above: i16, corner: i16) -> i16 {
    let threshold = 3 * corner - (left + above);
    let (low, high) = (left.min(above), left.max(above));
    let nearest = if high <= threshold { low } else { corner };
    if threshold <= low { high } else { nearest }
}

/// The same of bytes.
#[inline]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is one of them")]
fn paeth_of(left: u8, above: u8, corner: u8) -> u8 {
    paeth(left.into(), above.into(), corner.into()) as u8
}

#[inline]
fn each<T, const N: usize>(value: impl FnMut(usize) -> T) -> [T; N] {
    std::array::from_fn(value)
}

#[inline]
fn four(row: &[u8], at: usize) -> u32 {
    row.get(at..at + 4).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[inline]
fn put(row: &mut [u8], at: usize, bytes: u32) {
    if let Some(four) = row.get_mut(at..at + 4) {
        four.copy_from_slice(&bytes.to_le_bytes());
    }
}
