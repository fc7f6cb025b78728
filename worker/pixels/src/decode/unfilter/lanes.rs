//! Eight numbers of sixteen bits, four for a pixel of each of two rows.

#[cfg(not(target_arch = "x86_64"))]
pub(super) use self::plain::Lanes;
#[cfg(target_arch = "x86_64")]
pub(super) use self::sse2::Lanes;

/// By instructions that all of these processors have.
#[cfg(target_arch = "x86_64")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes, four at a time")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi16, _mm_and_si128, _mm_andnot_si128, _mm_cmpgt_epi16, _mm_cvtsi64_si128, _mm_cvtsi128_si64,
        _mm_max_epi16, _mm_min_epi16, _mm_or_si128, _mm_packus_epi16, _mm_set1_epi16, _mm_setzero_si128, _mm_sub_epi16,
        _mm_unpacklo_epi8, _mm_unpacklo_epi64,
    };

    #[derive(Clone, Copy)]
    pub(in super::super) struct Lanes(__m128i);

    impl Lanes {
        /// The four bytes of each, the lowest first.
        #[target_feature(enable = "sse2")]
        #[inline]
        pub(in super::super) fn of(low: u32, high: u32) -> Self {
            let bytes = _mm_cvtsi64_si128((u64::from(low) | u64::from(high) << 32).cast_signed());
            Self(_mm_unpacklo_epi8(bytes, _mm_setzero_si128()))
        }

        /// The lower half of this, and the lower half of that above it.
        #[target_feature(enable = "sse2")]
        #[inline]
        pub(in super::super) fn under(self, that: Self) -> Self {
            Self(_mm_unpacklo_epi64(self.0, that.0))
        }

        /// What of both is the sum, in bytes.
        #[target_feature(enable = "sse2")]
        #[inline]
        pub(in super::super) fn plus(self, stored: Self) -> Self {
            Self(_mm_and_si128(_mm_add_epi16(self.0, stored.0), _mm_set1_epi16(0xff)))
        }

        /// As [`paeth`](super::super::paeth) of each.
        #[target_feature(enable = "sse2")]
        #[inline]
        pub(in super::super) fn paeth(left: Self, above: Self, corner: Self) -> Self {
            let (left, above, corner) = (left.0, above.0, corner.0);
            let thrice = _mm_add_epi16(corner, _mm_add_epi16(corner, corner));
            let threshold = _mm_sub_epi16(_mm_sub_epi16(thrice, above), left);
            let (low, high) = (_mm_min_epi16(left, above), _mm_max_epi16(left, above));
            let is_beyond = _mm_cmpgt_epi16(high, threshold);
            let nearest = either(is_beyond, corner, low);
            Self(either(_mm_cmpgt_epi16(threshold, low), nearest, high))
        }

        /// The bytes of each pixel.
        #[target_feature(enable = "sse2")]
        #[inline]
        pub(in super::super) fn bytes(self) -> (u32, u32) {
            let bytes = _mm_cvtsi128_si64(_mm_packus_epi16(self.0, self.0)) as u64;
            (bytes as u32, (bytes >> 32) as u32)
        }
    }

    #[target_feature(enable = "sse2")]
    #[inline]
    fn either(mask: __m128i, if_set: __m128i, if_not: __m128i) -> __m128i {
        _mm_or_si128(_mm_and_si128(mask, if_set), _mm_andnot_si128(mask, if_not))
    }
}

/// One after the other.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "bytes")]
mod plain {
    use super::super::paeth;
    use std::array;

    #[derive(Clone, Copy)]
    pub(in super::super) struct Lanes([i16; 8]);

    impl Lanes {
        /// The four bytes of each, the lowest first.
        pub(in super::super) fn of(low: u32, high: u32) -> Self {
            Self((u64::from(low) | u64::from(high) << 32).to_le_bytes().map(i16::from))
        }

        /// The lower half of this, and the lower half of that above it.
        pub(in super::super) fn under(self, that: Self) -> Self {
            Self(array::from_fn(|at| if at < 4 { self.0[at] } else { that.0[at - 4] }))
        }

        /// What of both is the sum, in bytes.
        pub(in super::super) fn plus(self, stored: Self) -> Self {
            Self(array::from_fn(|at| (self.0[at] + stored.0[at]) & 0xff))
        }

        /// As [`paeth`] of each.
        pub(in super::super) fn paeth(left: Self, above: Self, corner: Self) -> Self {
            Self(array::from_fn(|at| paeth(left.0[at], above.0[at], corner.0[at])))
        }

        /// The bytes of each pixel.
        pub(in super::super) fn bytes(self) -> (u32, u32) {
            let bytes = u64::from_le_bytes(self.0.map(|value| value as u8));
            (bytes as u32, (bytes >> 32) as u32)
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::{plain, sse2};

    /// Of the same four numbers.
    #[target_feature(enable = "sse2")]
    fn by_sse2(values: [(u32, u32); 4]) -> (u32, u32) {
        let [left, over, corner, stored] = values.map(|(low, high)| sse2::Lanes::of(low, high));
        sse2::Lanes::paeth(left, over.under(left), corner).plus(stored).bytes()
    }

    fn by_plain(values: [(u32, u32); 4]) -> (u32, u32) {
        let [left, over, corner, stored] = values.map(|(low, high)| plain::Lanes::of(low, high));
        plain::Lanes::paeth(left, over.under(left), corner).plus(stored).bytes()
    }

    #[test]
    #[expect(unsafe_code, reason = "SSE2 is asked for by its name")]
    fn both_do_the_same() {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Extremes are as frequent as all else.
            if state.is_multiple_of(4) { [0, u32::MAX][(state >> 4 & 1) as usize] } else { state.rotate_left(11) }
        };
        for _ in 0..10_000 {
            let values: [(u32, u32); 4] = std::array::from_fn(|_| (next(), next()));
            // SAFETY: SSE2 is a part of x86-64.
            assert_eq!(by_plain(values), unsafe { by_sse2(values) }, "{values:x?}");
        }
    }
}
