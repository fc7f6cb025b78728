//! The marker segments of a JPEG (ITU-T T.81, annex B): what they declare, and
//! whether they are all there. No coefficient is decoded here.

use memchr::memchr;

/// How the payload of a segment begins that carries a part of an ICC profile.
const ICC_TAG: &[u8] = b"ICC_PROFILE\0";

/// One marker and its payload, without the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    pub(super) payload: &'a [u8],
}

/// The segments of a file, up to its end-of-image marker. Bytes between
/// segments are skipped, those of a scan's entropy-coded data too.
pub(super) struct Segments<'a> {
    file: &'a [u8],
    at: usize,
}

const SOS: u8 = 0xda;
const EOI: u8 = 0xd9;
const SOI: u8 = 0xd8;

impl<'a> Segments<'a> {
    pub(super) fn of(file: &'a [u8]) -> Self {
        Self { file, at: 2 }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        loop {
            let rest = self.file.get(self.at..)?;
            self.at += memchr(0xff, rest)? + 1;
            let marker = *self.file.get(self.at)?;
            match marker {
                // A stuffed zero, a restart marker or a fill byte: the 0xff of
                // the next marker may be this very byte.
                0xff => {}
                0 | 1 | 0xd0..=SOI => self.at += 1,
                EOI => {
                    self.at = self.file.len();
                    return Some(Segment { marker, payload: &[] });
                }
                _ => {
                    let len = u16::from_be_bytes(*self.file.get(self.at + 1..)?.first_chunk()?);
                    let end = self.at + 1 + usize::from(len);
                    let payload = self.file.get(self.at + 3..end)?;
                    self.at = end;
                    return Some(Segment { marker, payload });
                }
            }
        }
    }
}

/// How a frame is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// The low half of the marker: 0 baseline, 2 progressive, 3 lossless, ...
    pub(super) process: u8,
    pub(super) precision: u8,
    pub(super) size: (u32, u32),
    pub(super) components: u8,
    /// Bytes of all coefficients, which a file of several scans needs at once.
    pub(super) coefficient_bytes: u64,
}

/// What comes before the first scan.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) frame: Option<Frame>,
    /// Whether one scan is not all of the picture.
    pub(super) several_scans: bool,
    /// Whether an Adobe segment is there: it says that inks are stored inverted.
    pub(super) adobe: bool,
    pub(super) icc: Option<Vec<u8>>,
}

/// Reads up to the first scan. `None` if there is no scan.
pub(super) fn read_head(file: &[u8]) -> Option<Head> {
    let mut head = Head::default();
    let mut icc: Vec<&[u8]> = Vec::new();
    for Segment { marker, payload } in Segments::of(file) {
        match marker {
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf => head.frame = read_frame(marker & 0x0f, payload),
            0xe2 if payload.starts_with(ICC_TAG) => icc.push(&payload[ICC_TAG.len()..]),
            0xee if payload.starts_with(b"Adobe") => head.adobe = true,
            SOS => {
                let components = head.frame.map_or(0, |frame| frame.components);
                let progressive = head.frame.is_some_and(|frame| matches!(frame.process, 2 | 6 | 10 | 14));
                head.several_scans = progressive || payload.first() != Some(&components);
                head.icc = join_icc(icc);
                return Some(head);
            }
            EOI => return None,
            _ => {}
        }
    }
    None
}

/// All that comes before the first scan; of a file without one, all of it.
pub(super) fn before_scans(file: &[u8]) -> &[u8] {
    let mut segments = Segments::of(file);
    let is_there = segments.any(|segment| segment.marker == SOS);
    if is_there { &file[..segments.at] } else { file }
}

fn read_frame(process: u8, payload: &[u8]) -> Option<Frame> {
    let &[precision, h1, h2, w1, w2, components] = payload.first_chunk()?;
    let (height, width) = (u16::from_be_bytes([h1, h2]), u16::from_be_bytes([w1, w2]));
    let sampling: Vec<(u64, u64)> =
        payload[6..].chunks_exact(3).map(|one| (u64::from(one[1] >> 4), u64::from(one[1] & 15))).collect();
    let h_max = sampling.iter().map(|one| one.0).max()?.max(1);
    let v_max = sampling.iter().map(|one| one.1).max()?.max(1);
    let blocks = |side: u16, factor: u64, max: u64| (u64::from(side) * factor).div_ceil(max * 8);
    let coefficient_bytes =
        sampling.iter().map(|&(h, v)| blocks(width, h, h_max) * blocks(height, v, v_max) * 128).sum();
    Some(Frame { process, precision, size: (width.into(), height.into()), components, coefficient_bytes })
}

/// Joins a profile's parts, which are numbered from 1. A part that is missing
/// makes the profile useless, and a picture without one is better than none.
fn join_icc(mut parts: Vec<&[u8]>) -> Option<Vec<u8>> {
    parts.sort_by_key(|part| part.first().copied());
    let numbered = parts
        .iter()
        .zip(1..=255)
        .all(|(part, number)| part.first_chunk() == Some(&[number, u8::try_from(parts.len()).unwrap_or_default()]));
    (numbered && !parts.is_empty()).then(|| parts.iter().flat_map(|part| &part[2..]).copied().collect())
}

/// Whether the file has its end-of-image marker, and no more scans than this.
pub(super) fn count_scans(file: &[u8], most: u32) -> Scans {
    let mut scans = 0;
    for segment in Segments::of(file) {
        match segment.marker {
            EOI => return Scans::Complete,
            SOS => scans += 1,
            _ => {}
        }
        if scans > most {
            return Scans::TooMany;
        }
    }
    Scans::CutShort
}

/// What [`count_scans`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scans {
    /// All of the file is there.
    Complete,
    /// The file ends before the picture does.
    CutShort,
    /// More scans than anyone needs.
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"\xff\xd8junk\xff\xff\xe0\0\x03x\xff\xc0\0\x0b\x08\0\x10\0\x20\x01\x01\x22\0\
        \xff\xda\0\x03\x01data\xff\0data\xff\xd0data\xff\xd9trailer\xff\xda";

    #[test]
    fn segments_are_found_among_junk_and_scan_data() {
        let markers: Vec<u8> = Segments::of(FILE).map(|segment| segment.marker).collect();
        assert_eq!(markers, [0xe0, 0xc0, SOS, EOI]);
        let head = read_head(FILE).unwrap();
        let frame = Frame { process: 0, precision: 8, size: (32, 16), components: 1, coefficient_bytes: 4 * 2 * 128 };
        assert_eq!(head, Head { frame: Some(frame), several_scans: false, adobe: false, icc: None });
        assert!(before_scans(FILE).ends_with(b"\xff\xda\0\x03\x01"));
        assert_eq!(before_scans(b"\xff\xd8no scan"), b"\xff\xd8no scan");
        assert_eq!(before_scans(b"\xff"), b"\xff");
    }

    #[test]
    fn an_end_is_told_from_a_cut() {
        assert_eq!(count_scans(FILE, 1), Scans::Complete);
        assert_eq!(count_scans(FILE, 0), Scans::TooMany);
        let end = FILE.len() - b"\xd9trailer\xff\xda".len();
        for cut in 0..end {
            assert_eq!(count_scans(&FILE[..cut], 9), Scans::CutShort, "cut at {cut}");
        }
    }

    #[test]
    fn a_profile_with_a_missing_part_is_none() {
        assert_eq!(join_icc(vec![b"\x02\x02cd", b"\x01\x02ab"]).as_deref(), Some(b"abcd".as_slice()));
        assert_eq!(join_icc(vec![b"\x02\x02cd"]), None);
        assert_eq!(join_icc(vec![b"\x01\x01ab", b"\x01\x01ab"]), None);
        assert_eq!(join_icc(vec![b""]), None);
        assert_eq!(join_icc(vec![]), None);
    }
}
