//! Enough of WebP's container (RFC 9649) to tell a picture's size and whether
//! it carries metadata, without a decoder.

/// What the container says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webp {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The names of its chunks, in order.
    pub chunks: Vec<String>,
}

/// Reads a whole file. `None` if it is not a WebP file of the length that its
/// header says.
#[must_use]
pub fn read(file: &[u8]) -> Option<Webp> {
    let riff = file.strip_prefix(b"RIFF")?;
    let length = usize::try_from(little(riff.get(..4)?)).ok()?;
    let mut rest = riff.get(4..)?.strip_prefix(b"WEBP")?;
    if length != rest.len() + 4 {
        return None;
    }
    let (mut size, mut chunks) = (None, Vec::new());
    while !rest.is_empty() {
        let name = std::str::from_utf8(rest.get(..4)?).ok()?;
        let length = usize::try_from(little(rest.get(4..8)?)).ok()?;
        let body = rest.get(8..8 + length)?;
        size = size.or(match name {
            // Dimensions of the canvas, less one, in 24 bits each.
            "VP8X" => Some((little(body.get(4..7)?) + 1, little(body.get(7..10)?) + 1)),
            // Behind three bytes of frame tag and the start code; 14 bits each.
            "VP8 " if body.get(3..6)? == [0x9d, 0x01, 0x2a] => {
                Some((little(body.get(6..8)?) & 0x3fff, little(body.get(8..10)?) & 0x3fff))
            }
            // Behind the signature; less one, in 14 bits each.
            "VP8L" if *body.first()? == 0x2f => {
                let bits = little(body.get(1..5)?);
                Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
            }
            _ => None,
        });
        chunks.push(name.to_owned());
        rest = rest.get(8 + length + length % 2..)?;
    }
    let (width, height) = size?;
    Some(Webp { width, height, chunks })
}

fn little(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus;

    #[test]
    fn sizes_of_real_files_are_read() {
        let size = |name| read(&corpus::read(name)).map(|webp| (webp.width, webp.height));
        assert_eq!(size("photos/webp10_nikonp7000_or6.webp"), Some((3648, 2736)));
        assert_eq!(size("photos/webp_anim_320x240_101f.webp"), Some((320, 240)));
        assert_eq!(size(corpus::PHOTO), None);
    }
}
