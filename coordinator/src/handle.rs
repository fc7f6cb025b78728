//! Upload and download handles: what is signed into them, and whether one that
//! came back is still good. Nothing here asks the database.

use crate::sign::{Purpose, Signer};
use heim_common::{
    MediaId, Millis, RoomName, Trace, UserId,
    media::{MediaObject, Transcoding},
    spec::TranscodingName,
    trace::HEADER_TRACE,
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
    /// The room's epoch: with a later one it does not count.
    pub(crate) epoch: i64,
}

impl UploadGrant {
    /// The HTTP request by which the client uploads. The secret is in a header:
    /// URLs end up in logs.
    #[must_use]
    pub(crate) fn handle(&self, signer: &Signer, base: &str, content_type: Option<&str>, trace: Trace) -> UploadHandle {
        let Self { media, max_size, expires, epoch } = *self;
        let token = format!("{expires}.{max_size}.{epoch}.{}", self.signature(signer));
        let mut headers = Headers::from([("Authorization".to_owned(), vec![format!("Bearer {token}")])]);
        headers.insert(HEADER_TRACE.to_owned(), vec![trace.to_string()]);
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
        let parts: Vec<_> = token.split('.').collect();
        let [expires, max_size, epoch, signature] = parts[..] else { return Err(BadHandle::Forged) };
        if !signer.verify(Purpose::Upload, &["PUT", &media.to_string(), max_size, expires, epoch], signature) {
            return Err(BadHandle::Forged);
        }
        let (Ok(expires), Ok(max_size), Ok(epoch)) = (expires.parse(), max_size.parse(), epoch.parse()) else {
            return Err(BadHandle::Forged);
        };
        if now.seconds() >= expires {
            return Err(BadHandle::Expired);
        }
        Ok(Self { media, max_size, expires, epoch })
    }

    fn signature(&self, signer: &Signer) -> String {
        let Self { media, max_size, expires, epoch } = self;
        let fields = [media.to_string(), max_size.to_string(), expires.to_string(), epoch.to_string()];
        signer.sign(Purpose::Upload, &["PUT", &fields[0], &fields[1], &fields[2], &fields[3]])
    }
}

/// Who a download handle is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience<'a> {
    /// Whoever has the URL: the room is public.
    Anybody,
    /// One agent, in the epoch of a private room in which it was let in.
    Agent { agent: &'a UserId, epoch: i64 },
}

/// The query of a download URL: expiry, version, agent, signature.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct DownloadQuery {
    /// Numbers as they came: what is signed has one form.
    e: String,
    v: String,
    /// The agent that it was made for; absent in public rooms.
    #[serde(default)]
    pub(crate) a: Option<String>,
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
    audience: Audience<'_>,
    media: &MediaObject,
    transcoding: &Transcoding,
    expires: i64,
) -> TranscodingView {
    let Transcoding { name, version, key: _, content_type, size, width, height } = transcoding;
    let target = Target { room: &media.room, media: media.id, name };
    let signature = target.sign(signer, audience, *version, expires);
    let agent = match audience {
        Audience::Anybody => String::new(),
        Audience::Agent { agent, .. } => format!("&a={}", in_query(agent.as_str())),
    };
    TranscodingView {
        media_id: media.id,
        name: name.clone(),
        content_type: content_type.clone(),
        size: *size,
        width: *width,
        height: *height,
        url: format!("{base}/media/{}/{name}?e={expires}&v={version}{agent}&s={signature}", media.id),
        headers: Headers::new(),
        expires,
    }
}

/// Agents' ids are made of letters, digits and `:-_=`; of these `=` alone has a
/// meaning in a query.
fn in_query(agent: &str) -> String {
    agent.replace('=', "%3D")
}

/// What a download handle leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) room: &'a RoomName,
    pub(crate) media: MediaId,
    pub(crate) name: &'a TranscodingName,
}

impl Target<'_> {
    /// The version of the transcoding that a download URL stands for.
    ///
    /// # Errors
    /// If this signer did not make it for this transcoding and this audience, or
    /// if it is too old.
    pub(crate) fn verify(
        &self,
        signer: &Signer,
        audience: Audience<'_>,
        query: &DownloadQuery,
        now: Millis,
    ) -> Result<u32, BadHandle> {
        let verifies = |fields: &[&str]| signer.verify(Purpose::Download, fields, &query.s);
        if !self.with_fields(audience, &query.v, &query.e, verifies) {
            return Err(BadHandle::Forged);
        }
        let (Ok(version), Ok(expires)) = (query.v.parse(), query.e.parse::<i64>()) else {
            return Err(BadHandle::Forged);
        };
        if now.seconds() >= expires { Err(BadHandle::Expired) } else { Ok(version) }
    }

    fn sign(&self, signer: &Signer, audience: Audience<'_>, version: u32, expires: i64) -> String {
        let [version, expires] = [version.to_string(), expires.to_string()];
        self.with_fields(audience, &version, &expires, |fields| signer.sign(Purpose::Download, fields))
    }

    fn with_fields<T>(
        &self,
        audience: Audience<'_>,
        version: &str,
        expires: &str,
        then: impl FnOnce(&[&str]) -> T,
    ) -> T {
        let media = self.media.to_string();
        let common = ["GET", self.room.as_str(), &media, self.name.as_str(), version, expires];
        match audience {
            Audience::Anybody => then(&common),
            Audience::Agent { agent, epoch } => {
                let epoch = epoch.to_string();
                then(&[&common[..], &[agent.as_str(), &epoch]].concat())
            }
        }
    }
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
        let grant = UploadGrant { media: "0c1oft7ew7ojk".parse().unwrap(), max_size: 1_000, expires: 100, epoch: 7 };
        let trace = Trace::begin(1, 2);
        let handle = grant.handle(&signer(), "http://h", Some("image/png"), trace);
        assert_eq!(handle.headers[HEADER_TRACE], [trace.to_string()], "the upload is a step of the same request");
        assert_eq!(handle.url, "http://h/media/0c1oft7ew7ojk");
        let token = handle.headers["Authorization"][0].strip_prefix("Bearer ").unwrap().to_owned();
        let verify =
            |media: &str, token: &str, now| UploadGrant::verify(&signer(), media.parse().unwrap(), token, Millis(now));
        assert_eq!(verify("0c1oft7ew7ojk", &token, 99_999), Ok(grant));
        assert_eq!(verify("0c1oft7ew7ojk", &token, 100_000), Err(BadHandle::Expired));
        assert_eq!(verify("0c1oft7ew7ojl", &token, 0), Err(BadHandle::Forged));
        assert_eq!(verify("0c1oft7ew7ojk", &token.replace("1000", "9999"), 0), Err(BadHandle::Forged));
        assert_eq!(verify("0c1oft7ew7ojk", &token.replace("100.", "900."), 0), Err(BadHandle::Forged));
        assert_eq!(verify("0c1oft7ew7ojk", &token.replace(".7.", ".8."), 0), Err(BadHandle::Forged));
        assert_eq!(verify("0c1oft7ew7ojk", "", 0), Err(BadHandle::Forged));
    }

    #[test]
    fn download_urls_repeat_within_their_lifetime() {
        let at = |seconds: i64| download_expiry(Millis(seconds * 1000), 3_600);
        assert_eq!(at(0), 7_200);
        assert_eq!(at(3_599), 7_200);
        assert_eq!(at(3_600), 10_800);
    }

    /// What a handle says, each part to be changed by itself.
    #[derive(Clone)]
    struct Said {
        room: &'static str,
        media: &'static str,
        name: &'static str,
        agent: Option<&'static str>,
        epoch: i64,
        version: u32,
        expires: i64,
    }

    const PUBLIC: Said = Said {
        room: "vault",
        media: "0c1oft7ew7ojk",
        name: "thumb-320",
        agent: None,
        epoch: 3,
        version: 1,
        expires: 100,
    };

    impl Said {
        fn with<T>(&self, then: impl FnOnce(Target<'_>, Audience<'_>) -> T) -> T {
            let (room, media, name) =
                (self.room.parse().unwrap(), self.media.parse().unwrap(), self.name.parse().unwrap());
            let agent = self.agent.map(|agent| UserId::from_stored(agent.to_owned()));
            let audience = match &agent {
                Some(agent) => Audience::Agent { agent, epoch: self.epoch },
                None => Audience::Anybody,
            };
            then(Target { room: &room, media, name: &name }, audience)
        }

        fn signature(&self) -> String {
            self.with(|target, audience| target.sign(&signer(), audience, self.version, self.expires))
        }

        fn verify(&self, signature: &str, now: i64) -> Result<u32, BadHandle> {
            let [e, v] = [self.expires.to_string(), self.version.to_string()];
            let query = DownloadQuery { e, v, a: None, s: signature.to_owned() };
            self.with(|target, audience| target.verify(&signer(), audience, &query, Millis(now)))
        }
    }

    #[test]
    fn a_download_handle_is_bound_to_all_it_names() {
        let private = Said { agent: Some("agent:AAAAAAAAAAA="), ..PUBLIC };
        for said in [PUBLIC, private.clone()] {
            let signature = said.signature();
            assert_eq!(said.verify(&signature, 99_000), Ok(1));
            assert_eq!(said.verify(&signature, 100_000), Err(BadHandle::Expired));
            let others = [
                Said { room: "hall", ..said.clone() },
                Said { media: "0c1oft7ew7ojl", ..said.clone() },
                Said { name: "original", ..said.clone() },
                Said { agent: Some("agent:BAAAAAAAAAA="), ..said.clone() },
                Said { version: 2, ..said.clone() },
                Said { expires: 101, ..said.clone() },
            ];
            for (place, other) in others.iter().enumerate() {
                assert_eq!(other.verify(&signature, 0), Err(BadHandle::Forged), "{place}");
            }
        }
        let signature = private.signature();
        assert_eq!(Said { epoch: 4, ..private.clone() }.verify(&signature, 0), Err(BadHandle::Forged));
        assert_eq!(Said { agent: None, ..private }.verify(&signature, 0), Err(BadHandle::Forged));
    }
}
