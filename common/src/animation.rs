//! Whether the first bytes of a file tell of more than one picture. Every step
//! moves forward in a prefix of bounded length, and nothing is decoded.

use crate::header::Format;

/// Whether a file of this type that begins like this has several pictures. What
/// the prefix does not reach to, it does not have.
pub(crate) fn is_animated(format: Format, prefix: &[u8]) -> bool {
    match format {
        Format::Gif => gif(prefix).unwrap_or(false),
        Format::Png => png(prefix).unwrap_or(false),
        // RFC 9649, 2.7: the second bit of the flags of the first chunk.
        Format::Webp => prefix.get(12..16) == Some(b"VP8X") && prefix.get(20).is_some_and(|flags| flags & 2 != 0),
        Format::Avif => prefix.get(8..12) == Some(b"avis"),
        Format::Heic => matches!(prefix.get(8..12), Some(b"hevc" | b"hevx" | b"msf1")),
        Format::Jpeg | Format::Bmp | Format::Tiff | Format::Jxl => false,
    }
}

/// `GIF89a`, appendix A: the blocks up to the second picture. A loop is asked for
/// (Netscape's application extension) only where there are more.
fn gif(bytes: &[u8]) -> Option<bool> {
    const TRAILER: u8 = 0x3b;
    let mut at = 13 + color_table(*bytes.get(10)?);
    let mut pictures = 0;
    loop {
        match bytes.get(at)? {
            0x21 => {
                if bytes.get(at + 1) == Some(&0xff) && bytes.get(at + 3..at + 14) == Some(b"NETSCAPE2.0") {
                    return Some(true);
                }
                at = after_sub_blocks(bytes, at + 2)?;
            }
            0x2c => {
                pictures += 1;
                if pictures == 2 {
                    return Some(true);
                }
                let data = at + 10 + color_table(*bytes.get(at + 9)?) + 1;
                at = after_sub_blocks(bytes, data)?;
            }
            &TRAILER => return Some(false),
            _ => return None,
        }
    }
}

fn color_table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn after_sub_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}

/// PNG, third edition, 11.3.6.1: `acTL` stands before the first picture's data.
fn png(bytes: &[u8]) -> Option<bool> {
    let mut at = 8;
    loop {
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        match bytes.get(at + 4..at + 8)? {
            b"acTL" => return Some(true),
            b"IDAT" | b"IEND" => return Some(false),
            _ => at = at.checked_add(usize::try_from(length).ok()?)?.checked_add(12)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff";
    const PICTURE: &[u8] = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0";

    fn is(format: Format, parts: &[&[u8]]) -> bool {
        is_animated(format, &parts.concat())
    }

    #[test]
    fn the_second_picture_of_a_gif_counts_and_so_does_a_loop() {
        assert!(!is(Format::Gif, &[SCREEN, PICTURE, b"\x3b"]));
        assert!(is(Format::Gif, &[SCREEN, PICTURE, PICTURE, b"\x3b"]));
        assert!(is(Format::Gif, &[SCREEN, b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"]));
        assert!(!is(Format::Gif, &[SCREEN, b"\x21\xfe\x03abc\0", PICTURE]), "the prefix ends here");
    }

    #[test]
    fn chunks_before_the_picture_tell_it_of_a_png() {
        let start: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x02\x08\x02\0\0\0crc!";
        assert!(is(Format::Png, &[start, b"\0\0\0\x08acTL"]));
        assert!(!is(Format::Png, &[start, b"\0\0\0\x08IDATacTL"]));
        assert!(!is(Format::Png, &[start, b"\xff\xff\xff\xfftEXt"]));
    }

    #[test]
    fn a_flag_tells_it_of_a_webp() {
        assert!(is(Format::Webp, &[b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02"]));
        assert!(!is(Format::Webp, &[b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10"]));
        assert!(!is(Format::Webp, &[b"RIFF\0\0\0\0WEBPVP8 \x0a\0\0\0\x02"]));
    }

    #[test]
    fn no_cut_panics_and_no_beginning_hangs() {
        let gif = [SCREEN, PICTURE, b"\x21\xf9\x04\0\0\0\0\0", PICTURE].concat();
        for end in 0..gif.len() {
            for format in [Format::Gif, Format::Png, Format::Webp, Format::Avif, Format::Heic] {
                let _ = is_animated(format, &gif[..end]);
            }
        }
    }
}
