//! Step 1: a client asks to upload, and gets the HTTP request to do it with.

use crate::{app::App, handle::UploadGrant, keys::KeyError, life::upload::quotas, rooms::Admission};
use heim_common::{RoomName, Trace, media::Uploader, wire::UploadHandle};
use heim_db::{Created, DbError, NewMedia, QuotaExceeded};
use heim_runtime::failpoint;
use std::time::Duration;

/// Longest side that a client can declare, in pixels.
const SIDE_MAX: u32 = 1 << 20;

/// What a client says beforehand of what it will upload. All of it is optional,
/// and none of it is believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    pub(crate) content_type: Option<String>,
    pub(crate) size: Option<u64>,
    /// Width and height in pixels, upright: the shape of the placeholder until
    /// the original's header says better.
    pub(crate) shape: Option<(u32, u32)>,
}

/// Why there is no upload handle.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("media too large")]
    TooLarge,
    #[error("media type not allowed")]
    TypeNotAllowed,
    #[error("too many unfinished uploads")]
    TooManyPending,
    #[error("too much was uploaded today")]
    QuotaExceeded(QuotaExceeded),
    #[error("not available right now, try again")]
    Database(#[from] DbError),
    #[error("not available right now, try again")]
    Keys(#[from] KeyError),
    /// The room is gone, or was closed to whoever asks.
    #[error("room not found")]
    RoomClosed,
}

/// Creates a media object that waits for its content. The upload is a step of the
/// request `trace`.
pub(crate) async fn create(
    app: &App,
    base: &str,
    room: &RoomName,
    admission: Admission,
    uploader: Uploader,
    declared: Declared,
    trace: Trace,
) -> Result<UploadHandle, Refused> {
    let limits = &app.settings.limits;
    if declared.size.is_some_and(|size| size > limits.upload_bytes_max) {
        return Err(Refused::TooLarge);
    }
    let content_type = declared.content_type.as_deref().filter(|text| !text.is_empty());
    if content_type.is_some_and(|text| !is_image_type(text)) {
        return Err(Refused::TypeNotAllowed);
    }
    let created = app.now();
    // Whoever does not say how much it will be is asked again when it comes.
    let size = declared.size.unwrap_or(1);
    if let Err(exceeded) = app.db.quota(&uploader.id, room, size, quotas(app), created).await? {
        return Err(Refused::QuotaExceeded(exceeded));
    }
    let expires = created.after(Duration::from_secs(limits.upload_handle_s));
    let sides = 1..=SIDE_MAX;
    let shape = declared.shape.filter(|(width, height)| sides.contains(width) && sides.contains(height));
    let id = app.ids.media();
    let encryption = if admission.private { Some(app.keys.current(&app.db, room).await?.new_object(id)) } else { None };
    let media = NewMedia {
        id,
        room: room.clone(),
        epoch: admission.epoch,
        encryption,
        uploader,
        created,
        expires,
        max_size: limits.upload_bytes_max,
        width: shape.map(|(width, _)| width),
        height: shape.map(|(_, height)| height),
    };
    match app.db.media_create(&media, limits.pending_per_agent).await? {
        Created::Created => {
            failpoint!(MediaCreated);
            let NewMedia { id: media, max_size, epoch, .. } = media;
            let grant = UploadGrant { media, max_size, expires: expires.seconds(), epoch };
            Ok(grant.handle(&app.signer, base, content_type, trace))
        }
        Created::RoomClosed => Err(Refused::RoomClosed),
        Created::TooManyPending => Err(Refused::TooManyPending),
    }
}

/// First cut: just images. The text goes back to the client as a header, so it
/// must be one token of RFC 9110 behind `image/`.
fn is_image_type(text: &str) -> bool {
    text.strip_prefix("image/").is_some_and(|subtype| {
        (1..=64).contains(&subtype.len())
            && subtype.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_images_and_nothing_that_breaks_a_header() {
        assert!(is_image_type("image/svg+xml") && is_image_type("image/x-icon"));
        for bad in ["text/html", "image/", "image/a b", "image/a\r\nX: y", "IMAGE", "image/png; q=1"] {
            assert!(!is_image_type(bad), "{bad}");
        }
    }
}
