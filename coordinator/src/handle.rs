//! Upload and download handles: what is signed into them, and whether one that
//! came back is still good. Nothing here asks the database.

use crate::sign::{Purpose, Signer};
use heim_common::{
    MediaId, Millis, RoomName,
    media::{MediaObject, Transcoding},
    spec::TranscodingName,
    wire::{Headers, TranscodingView, UploadHandle},
};
use serde::Deserialize;

/// Why a handle is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadHandle {
    /// It was altered, or made for something else.
    Forged,
    /// Its time is over.
    Expired,
}

/// What an upload handle allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UploadGrant {
    /// The media object to upload.
    pub(crate) media: MediaId,
    /// Largest upload, in bytes.
    pub(crate) max_size: u64,
    /// Unix seconds.
    pub(crate) expires: i64,
}

impl UploadGrant {
    /// The HTTP request by which the client uploads. The secret is in a header:
    /// URLs end up in logs.
    #[must_use]
    pub(crate) fn handle(&self, signer: &Signer, base: &str, content_type: Option<&str>) -> UploadHandle {
        let Self { media, max_size, expires } = *self;
        let token = format!("{expires}.{max_size}.{}", self.signature(signer));
        let mut headers = Headers::from([("Authorization".to_owned(), vec![format!("Bearer {token}")])]);
        if let Some(content_type) = content_type {
            headers.insert("Content-Type".to_owned(), vec![content_type.to_owned()]);
        }
        UploadHandle {
            id: media,
            method: "PUT".to_owned(),
            url: format!("{base}/media/{media}"),
            headers,
            expires,
            max_size,
        }
    }

    /// The grant that a bearer token stands for.
    ///
    /// # Errors
    /// If the token was not made by this signer for `media`, or is too old.
    pub(crate) fn verify(signer: &Signer, media: MediaId, token: &str, now: Millis) -> Result<Self, BadHandle> {
        let mut parts = token.splitn(3, '.');
        let (Some(expires), Some(max_size), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadHandle::Forged);
        };
        if !signer.verify(Purpose::Upload, &["PUT", &media.to_string(), max_size, expires], signature) {
            return Err(BadHandle::Forged);
        }
        let (Ok(expires), Ok(max_size)) = (expires.parse(), max_size.parse()) else {
            return Err(BadHandle::Forged);
        };
        if now.seconds() >= expires {
            return Err(BadHandle::Expired);
        }
        Ok(Self { media, max_size, expires })
    }

    fn signature(&self, signer: &Signer) -> String {
        let fields = [self.media.to_string(), self.max_size.to_string(), self.expires.to_string()];
        signer.sign(Purpose::Upload, &["PUT", &fields[0], &fields[1], &fields[2]])
    }
}

/// The query of a download URL: expiry, version, signature.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct DownloadQuery {
    e: i64,
    v: u32,
    s: String,
}

/// The instant at which a download handle that is made `now` ends: at least
/// `lifetime_s` away, and the same for all that are made within that time, so
/// that URLs repeat and caches hit.
#[must_use]
pub(crate) fn download_expiry(now: Millis, lifetime_s: u64) -> i64 {
    let lifetime = i64::try_from(lifetime_s.max(1)).unwrap_or(i64::MAX / 4);
    (now.seconds().div_euclid(lifetime) + 2).saturating_mul(lifetime)
}

/// A transcoding with a handle to download it.
#[must_use]
pub(crate) fn download(
    signer: &Signer,
    base: &str,
    media: &MediaObject,
    transcoding: &Transcoding,
    expires: i64,
) -> TranscodingView {
    let Transcoding { name, version, key: _, content_type, size, width, height } = transcoding;
    let signature = download_signature(signer, &media.room, media.id, name, *version, expires);
    TranscodingView {
        media_id: media.id,
        name: name.clone(),
        content_type: content_type.clone(),
        size: *size,
        width: *width,
        height: *height,
        url: format!("{base}/media/{}/{name}?e={expires}&v={version}&s={signature}", media.id),
        headers: Headers::new(),
        expires,
    }
}

/// The version of the transcoding that a download URL stands for.
///
/// # Errors
/// If this signer did not make it for this transcoding, or if it is too old.
pub(crate) fn verify_download(
    signer: &Signer,
    room: &RoomName,
    media: MediaId,
    name: &TranscodingName,
    query: &DownloadQuery,
    now: Millis,
) -> Result<u32, BadHandle> {
    let [version, expires] = [query.v.to_string(), query.e.to_string()];
    let fields = ["GET", room.as_str(), &media.to_string(), name.as_str(), &version, &expires];
    if !signer.verify(Purpose::Download, &fields, &query.s) {
        Err(BadHandle::Forged)
    } else if now.seconds() >= query.e {
        Err(BadHandle::Expired)
    } else {
        Ok(query.v)
    }
}

fn download_signature(
    signer: &Signer,
    room: &RoomName,
    media: MediaId,
    name: &TranscodingName,
    version: u32,
    expires: i64,
) -> String {
    let fields = [media.to_string(), version.to_string(), expires.to_string()];
    signer.sign(Purpose::Download, &["GET", room.as_str(), &fields[0], name.as_str(), &fields[1], &fields[2]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use heim_runtime::Secret;

    fn signer() -> Signer {
        Signer::new(&Secret::new("a secret for tests".into()))
    }

    #[test]
    fn an_upload_handle_is_good_for_its_object_until_it_expires() {
        let grant = UploadGrant { media: "0c1oft7ew7ojk".parse().unwrap(), max_size: 1_000, expires: 100 };
        let handle = grant.handle(&signer(), "http://h", Some("image/png"));
        assert_eq!(handle.url, "http://h/media/0c1oft7ew7ojk");
        let token = handle.headers["Authorization"][0].strip_prefix("Bearer ").unwrap().to_owned();
        let verify =
            |media: &str, token: &str, now| UploadGrant::verify(&signer(), media.parse().unwrap(), token, Millis(now));
        assert_eq!(verify("0c1oft7ew7ojk", &token, 99_999), Ok(grant));
        assert_eq!(verify("0c1oft7ew7ojk", &token, 100_000), Err(BadHandle::Expired));
        assert_eq!(verify("0c1oft7ew7ojl", &token, 0), Err(BadHandle::Forged));
        assert_eq!(verify("0c1oft7ew7ojk", &token.replace("1000", "9999"), 0), Err(BadHandle::Forged));
        assert_eq!(verify("0c1oft7ew7ojk", &token.replace("100.", "900."), 0), Err(BadHandle::Forged));
        assert_eq!(verify("0c1oft7ew7ojk", "", 0), Err(BadHandle::Forged));
    }

    #[test]
    fn download_urls_repeat_within_their_lifetime() {
        let at = |seconds: i64| download_expiry(Millis(seconds * 1000), 3_600);
        assert_eq!(at(0), 7_200);
        assert_eq!(at(3_599), 7_200);
        assert_eq!(at(3_600), 10_800);
    }

    #[test]
    fn a_download_handle_is_bound_to_all_it_names() {
        let (room, media, name) = ("vault", "0c1oft7ew7ojk", "thumb-320");
        let s = download_signature(
            &signer(),
            &room.parse().unwrap(),
            media.parse().unwrap(),
            &name.parse().unwrap(),
            1,
            100,
        );
        let verify = |room: &str, media: &str, name: &str, v, e, now| {
            let query = DownloadQuery { e, v, s: s.clone() };
            verify_download(
                &signer(),
                &room.parse().unwrap(),
                media.parse().unwrap(),
                &name.parse().unwrap(),
                &query,
                Millis(now),
            )
        };
        assert_eq!(verify(room, media, name, 1, 100, 99_000), Ok(1));
        assert_eq!(verify(room, media, name, 1, 100, 100_000), Err(BadHandle::Expired));
        assert_eq!(verify("hall", media, name, 1, 100, 0), Err(BadHandle::Forged));
        assert_eq!(verify(room, "0c1oft7ew7ojl", name, 1, 100, 0), Err(BadHandle::Forged));
        assert_eq!(verify(room, media, "original", 1, 100, 0), Err(BadHandle::Forged));
        assert_eq!(verify(room, media, name, 2, 100, 0), Err(BadHandle::Forged));
        assert_eq!(verify(room, media, name, 1, 101, 0), Err(BadHandle::Forged));
    }
}
