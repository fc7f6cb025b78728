//! The container of WebP (RFC 9649): chunks with a name and a length. What is
//! in them is not read here.

/// The file ends before its declared length, or a chunk reaches beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file is shorter than its header says")]
pub(crate) struct CutShort;

/// One chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk<'a> {
    pub(crate) name: [u8; 4],
    pub(crate) payload: &'a [u8],
}

/// The chunks of a file.
pub(crate) struct Chunks<'a>(&'a [u8]);

impl<'a> Chunks<'a> {
    /// Bytes behind the declared length are none of the file's.
    pub(crate) fn of(file: &'a [u8]) -> Result<Self, CutShort> {
        let len = file.get(4..).and_then(<[u8]>::first_chunk).copied().map(u32::from_le_bytes).ok_or(CutShort)?;
        let body = file.get(8..).and_then(|rest| rest.get(..usize::try_from(len).ok()?)).ok_or(CutShort)?;
        body.get(4..).map(Self).ok_or(CutShort)
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, CutShort>;

    fn next(&mut self) -> Option<Self::Item> {
        // Less than a chunk's header is padding that some writers leave.
        let (header, rest) = self.0.split_first_chunk::<8>()?;
        let [a, b, c, d, len @ ..] = *header;
        let Some(payload) = usize::try_from(u32::from_le_bytes(len)).ok().and_then(|len| rest.get(..len)) else {
            self.0 = &[];
            return Some(Err(CutShort));
        };
        let padded = payload.len() + payload.len() % 2;
        self.0 = rest.get(padded..).unwrap_or_default();
        Some(Ok(Chunk { name: [a, b, c, d], payload }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"RIFF\x1a\0\0\0WEBPABCD\x03\0\0\0xyz\0EFGH\0\0\0\0trailing";

    #[test]
    fn chunks_are_found_by_name_and_padding_is_skipped() {
        let chunks: Vec<_> = Chunks::of(FILE).unwrap().map(Result::unwrap).collect();
        let expected = [Chunk { name: *b"ABCD", payload: b"xyz" }, Chunk { name: *b"EFGH", payload: b"" }];
        assert_eq!(chunks[..2], expected);
    }

    #[test]
    fn every_cut_is_noticed() {
        let whole = 8 + 0x1a;
        for end in 0..whole {
            assert!(Chunks::of(&FILE[..end]).is_err(), "cut at {end}");
        }
        let lying = b"RIFF\x0c\0\0\0WEBPABCD\xff\xff\xff\xff";
        assert_eq!(Chunks::of(lying).unwrap().next(), Some(Err(CutShort)));
    }
}
