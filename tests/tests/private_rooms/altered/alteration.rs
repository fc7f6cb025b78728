//! How a text can be altered: a byte at a time, or a few at random.

/// A text with one byte replaced, in every way there is.
pub(super) fn replaced(text: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..text.len()).flat_map(move |at| (1..=255).map(move |mask| masked(text, at, mask)))
}

/// A text with one bit flipped, in every way there is.
pub(super) fn flipped(text: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..text.len()).flat_map(move |at| (0..8).map(move |bit| masked(text, at, 1 << bit)))
}

fn masked(text: &[u8], at: usize, mask: u8) -> Vec<u8> {
    let mut altered = text.to_vec();
    altered[at] ^= mask;
    altered
}

/// Numbers that are the same in every run (Marsaglia: Xorshift RNGs).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits fit") % bound
    }

    /// A text with two to five letters replaced by others of base 64.
    pub(super) fn altered(&mut self, text: &[u8]) -> Vec<u8> {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        loop {
            let mut altered = text.to_vec();
            for _ in 0..2 + self.below(4) {
                let at = self.below(text.len());
                altered[at] = LETTERS[self.below(LETTERS.len())];
            }
            if altered != text {
                return altered;
            }
        }
    }
}

#[test]
fn every_alteration_is_another_text() {
    let all: std::collections::HashSet<_> = replaced(b"abc").collect();
    assert!(all.len() == 3 * 255 && !all.contains(&b"abc"[..]));
    assert!(flipped(b"abc").count() == 24 && flipped(b"abc").all(|altered| all.contains(&altered)));
    let mut random = Random::new();
    assert!((0..1000).all(|_| random.altered(b"abcdef") != b"abcdef"));
}
