//! What holds for every output: it is of the type that was asked for, within its
//! box, and nothing is in it but the picture.

use heim_common::{
    header::{Format, Header},
    media::PLACEHOLDER_BYTES_MAX,
    spec::{OutputType, TranscodingSpec},
};
use heim_pixels::Output;

/// What stands in the metadata of the corpus' files, and must stand nowhere else.
const CANARY: &[u8] = b"CANARY7f3aGPSLEAK";

/// Holds an output to what its spec asks for.
pub(crate) fn are_as_asked_for(output: &Output<'_>, spec: &TranscodingSpec) {
    let Output { width, height, bytes, description, .. } = *output;
    let header = Header::read(bytes).expect("an output is a picture");
    assert_eq!(header.format, spec.content_type.format());
    assert_eq!(header.size, Some((width, height)), "its bytes say another size");
    assert!(width <= spec.params.width && height <= spec.params.height, "{width} x {height} is beyond its box");
    if !spec.params.enlarge {
        assert!(width <= description.width && height <= description.height, "{width} x {height} is enlarged");
    }
    assert!(!header.animated || (spec.params.animated && description.frames > 1), "it moves without being asked to");
    assert!((5..=PLACEHOLDER_BYTES_MAX).contains(&description.placeholder.0.len()));
    assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY), "metadata is in it");
    match spec.content_type {
        OutputType::Webp => is_bare_webp(bytes),
        OutputType::Png => is_bare_png(bytes),
        OutputType::Jpeg => is_bare_jpeg(bytes),
        OutputType::Avif => assert_eq!(Format::sniff(bytes), Some(Format::Avif)),
    }
}

fn number(bytes: &[u8], at: usize) -> [u8; 4] {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).expect("a file that ends within a chunk")
}

/// Chunks of pixels alone, which fill the file.
fn is_bare_webp(bytes: &[u8]) {
    assert_eq!(u32::from_le_bytes(number(bytes, 4)) as usize + 8, bytes.len(), "a length that is wrong");
    let mut at = 12;
    while at < bytes.len() {
        let (name, len) = (&bytes[at..at + 4], u32::from_le_bytes(number(bytes, at + 4)) as usize);
        match name {
            // Its flags: nothing but opacity and animation.
            b"VP8X" => assert_eq!(bytes[at + 8] & !0x12, 0, "it announces metadata"),
            b"VP8 " | b"ALPH" | b"ANIM" => {}
            // What is in a frame stands behind the frame's own header.
            b"ANMF" => {
                at += 8 + 16;
                continue;
            }
            _ => panic!("{} in a WebP", name.escape_ascii()),
        }
        at += 8 + len.next_multiple_of(2);
    }
    assert_eq!(at, bytes.len(), "a chunk beyond the end");
}

fn is_bare_png(bytes: &[u8]) {
    let mut at = 8;
    while at < bytes.len() {
        let name = number(bytes, at + 4);
        assert!([b"IHDR", b"IDAT", b"IEND"].contains(&&name), "{} in a PNG", name.escape_ascii());
        at += 12 + u32::from_be_bytes(number(bytes, at)) as usize;
    }
    assert_eq!(at, bytes.len(), "a chunk beyond the end");
}

/// JFIF's own segment, and then none of an application's, and no comment.
fn is_bare_jpeg(bytes: &[u8]) {
    assert!(bytes[2..4] == *b"\xff\xe0" && bytes[6..10] == *b"JFIF" && bytes.ends_with(b"\xff\xd9"));
    let mut at = 20;
    while bytes[at + 1] != 0xda {
        assert!(bytes[at] == 0xff && matches!(bytes[at + 1], 0xc0..=0xdd), "{:#x} in a JPEG", bytes[at + 1]);
        at += 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
    }
}
