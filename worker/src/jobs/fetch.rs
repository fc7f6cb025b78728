//! Brings an original from the store into memory that a child can read.

use super::trouble::Trouble;
use crate::{
    bench::Bench,
    children::{Original, OriginalBuffer},
};
use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::HEXLOWER;
use futures_util::TryStreamExt;
use heim_common::{ObjectSecret, wire::ClaimedMedia};

/// Streams the original into a sealed memfd: one copy of it, and none in the
/// worker's own heap. It is what was uploaded, where the claim says what that was.
pub(crate) async fn fetch(
    bench: &Bench,
    media: &ClaimedMedia,
    secret: Option<&ObjectSecret>,
) -> Result<Original, Trouble> {
    if media.size > bench.original_bytes_max {
        return Err(Trouble::TooLarge { size: media.size });
    }
    let mut body = bench.store.read(&media.key, secret, None).await.map_err(Trouble::Read)?;
    if body.total() != media.size {
        return Err(Trouble::WrongSize { found: body.total(), expected: media.size });
    }
    let mut buffer = OriginalBuffer::new(media.size).map_err(Trouble::Memory)?;
    let mut check = media.sha256.as_deref().map(|expected| (Context::new(&SHA256), expected));
    while let Some(chunk) = body.try_next().await.map_err(Trouble::Read)? {
        buffer.write(&chunk).map_err(Trouble::Memory)?;
        if let Some((hash, _)) = &mut check {
            hash.update(&chunk);
        }
    }
    let original = buffer.seal().map_err(Trouble::Memory)?;
    let is_another = |(hash, expected): (Context, &str)| HEXLOWER.encode(hash.finish().as_ref()) != expected;
    if check.is_some_and(is_another) { Err(Trouble::WrongBytes) } else { Ok(original) }
}
