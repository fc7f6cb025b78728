//! Pictures that carry a text.

/// The smallest picture, one pixel, as a GIF with a comment.
pub(crate) fn pixel(comment: &str) -> Vec<u8> {
    let length = u8::try_from(comment.len()).expect("a short comment");
    let head = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff";
    let image = b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    [&head[..], b"!\xfe", &[length], comment.as_bytes(), b"\0", image].concat()
}

/// A JPEG with a comment behind its first marker.
pub(crate) fn commented(jpeg: &[u8], comment: &str) -> Vec<u8> {
    assert!(jpeg.starts_with(b"\xff\xd8"), "a JPEG is expected");
    let length = u16::try_from(comment.len() + 2).expect("a short comment").to_be_bytes();
    [&jpeg[..2], &[0xff, 0xfe], &length, comment.as_bytes(), &jpeg[2..]].concat()
}
