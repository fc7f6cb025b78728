//! Base 64 (RFC 4648, 4), to write what a test has to send or to look for.

/// The letters for these bytes.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let bits = three.iter().chain(&[0; 2]).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let letter = |place: usize| char::from(LETTERS[bits >> (18 - 6 * place) & 63]);
        (0..4).map(|place| if place <= three.len() { letter(place) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

#[test]
fn base_64_is_that_of_the_rfc() {
    let texts =
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
    for (text, expected) in texts {
        assert_eq!(base64(text.as_bytes()), expected);
    }
}
