//! Step 7: a worker, or another store, says that a transcoding is there.

use crate::{
    app::App,
    failure::Failure,
    keys::{seal_color, seal_placeholder},
    rooms,
};
use heim_common::{
    JobId, RoomName,
    key::ObjectKey,
    media::{Description, Transcoding},
    problem::Code,
    wire::TranscodedHook,
};
use heim_db::{Described, Registered, Registration};
use heim_runtime::failpoint;

/// Registers a transcoding and announces it. `lease` is the job and the fence
/// under which a worker made it; who comes without one must have stored the
/// object already.
pub(crate) async fn register(
    app: App,
    room: RoomName,
    hook: TranscodedHook,
    lease: Option<(JobId, i64)>,
) -> Result<(), Failure> {
    let TranscodedHook { media_id, name, content_type, size, width, height, version, description } = hook;
    if name.is_original() {
        return Err(Failure::with(Code::BadRequest, "`original` is registered by the upload"));
    }
    let key = ObjectKey::transcoding(media_id, &name, version);
    let media = app.db.media(media_id).await?.filter(|media| media.room == room).ok_or(Code::MediaNotFound)?;
    let is_known = media.transcoding(&name).is_some_and(|known| known.version >= version);
    if lease.is_none() && !is_known && app.store.size(&key, media.encryption.is_some()).await? != Some(size) {
        return Err(Failure::with(Code::BadRequest, "the store has no such object of this size"));
    }
    let transcoding = Transcoding { name: name.clone(), version, key, content_type, size, width, height };
    let described = match description {
        Some(Description { width, height, placeholder, color, frames, alpha }) => {
            let secret = app.keys.object_secret(&app.db, &room, media_id, media.encryption.as_ref()).await?;
            let color = color.map(|color| color.0.to_vec());
            let (placeholder, color) = match &secret {
                Some(secret) => (
                    seal_placeholder(secret, media_id, &placeholder.0),
                    color.map(|color| seal_color(secret, media_id, &color)),
                ),
                None => (placeholder.0, color),
            };
            Some(Described { width, height, placeholder, color, frames, alpha })
        }
        None => None,
    };
    let registration = Registration { room: room.clone(), media: media_id, transcoding, description: described, lease };
    match app.db.transcoding_register(&registration).await? {
        Registered::New { seq } => {
            failpoint!(RegistrationCommitted);
            rooms::announce_media(&app, &room, media_id, name, seq).await;
            failpoint!(RegistrationAnnounced);
            Ok(())
        }
        Registered::Same | Registered::Older => Ok(()),
        Registered::Conflict => Err(Code::TranscodingConflict.into()),
        Registered::NoSuchMedia => Err(Code::MediaNotFound.into()),
        Registered::LeaseLost => Err(Code::LeaseLost.into()),
    }
}
