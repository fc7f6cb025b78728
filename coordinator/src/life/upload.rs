//! Steps 2 to 5: the original is streamed to the store, committed, announced,
//! and its job dispatched. A 2xx is durable.

use crate::{app::App, failure::Failure, handle::UploadGrant, rooms};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use heim_common::{
    MediaId, RoomName, Trace,
    header::{Format, Header, PREFIX_BYTES},
    job::Reason,
    key::ObjectKey,
    media::MediaState,
    problem::Code,
    spec::TranscodingName,
};
use heim_db::{Quotas, UploadOutcome, Uploaded};
use heim_runtime::{body::BodyError, failpoint, telemetry::chain};
use heim_store::Writer;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long the database is asked what became of a commit whose answer was lost,
/// and the first pause before it is asked again.
const SETTLE_TIME: Duration = Duration::from_secs(5);
const SETTLE_PAUSE: Duration = Duration::from_millis(200);
/// The longest of the magic bytes that types are told apart by.
const MAGIC_BYTES: usize = 32;

/// Takes the body of an upload. `length` is what the client announced, and `trace`
/// the request that brings it.
///
/// What fails leaves nothing in the store. Content that can never be accepted
/// ends the handle too; a broken or slow connection does not, so that the
/// client can try again.
pub(crate) async fn receive<S>(
    app: &App,
    grant: UploadGrant,
    trace: Option<Trace>,
    length: u64,
    body: S,
) -> Result<(), Failure>
where
    S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
{
    let media = grant.media;
    let slot = app.db.upload_slot(media).await?.ok_or(Code::MediaNotFound)?;
    // Whoever was shut out since brings nothing more in.
    let room = app.db.room(&slot.room).await?.filter(|room| !room.deleted).ok_or(Code::MediaNotFound)?;
    if room.epoch != grant.epoch {
        return Err(Code::HandleExpired.into());
    }
    if slot.state != MediaState::Created {
        // Whoever hears that it is uploaded believes that it is in: not so where it was refused.
        return Err(if slot.is_uploaded { already_uploaded(media) } else { Code::HandleExpired.into() });
    }
    if length == 0 {
        return Err(Code::EmptyUpload.into());
    }
    let max_size = grant.max_size.min(slot.max_size);
    if length > max_size {
        refuse(app, media, Reason::TooLarge).await;
        return Err(Code::TooLarge.into());
    }
    let quotas = quotas(app);
    app.db.quota(&slot.agent, &slot.room, length, quotas, app.now()).await??;
    let key = ObjectKey::original(media, app.ids.snowflake());
    let secret = app.keys.object_secret(&app.db, &slot.room, media, slot.encryption.as_ref()).await?;
    let mut writer = app.store.writer(&key, secret.as_ref()).await?;
    failpoint!(UploadBegun);
    match stream(&mut writer, body, max_size).await {
        Ok(prefix) => {
            let is_private = secret.is_some();
            let received = Received { room: slot.room, media, key, length, prefix, is_private, trace };
            app.see_through(commit(app.clone(), writer, received)).await
        }
        Err(failure) => {
            if failure.code == Code::Unavailable {
                // A store that is away would hold up the answer once more.
                drop(writer);
            } else {
                writer.abort().await;
            }
            let failure = unless_gone(app, media, failure).await;
            match failure.code {
                Code::TooLarge => refuse(app, media, Reason::TooLarge).await,
                Code::TypeNotAllowed => refuse(app, media, Reason::UnsupportedType).await,
                _ => {}
            }
            Err(failure)
        }
    }
}

/// Copies the body and returns its first bytes.
async fn stream<S>(writer: &mut Writer, mut body: S, max_size: u64) -> Result<Vec<u8>, Failure>
where
    S: Stream<Item = Result<Bytes, BodyError>> + Unpin,
{
    let mut prefix = Vec::new();
    let mut received = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| match error {
            BodyError::TooSlow => Failure::from(Code::BodyTimeout),
            BodyError::Broken(_) => Code::IncompleteUpload.into(),
        })?;
        received += chunk.len() as u64;
        if received > max_size {
            return Err(Code::TooLarge.into());
        }
        let unseen = prefix.len() < MAGIC_BYTES;
        prefix.extend_from_slice(&chunk[..chunk.len().min(PREFIX_BYTES - prefix.len())]);
        if unseen && prefix.len() >= MAGIC_BYTES && Format::sniff(&prefix).is_none() {
            return Err(Code::TypeNotAllowed.into());
        }
        writer.write(chunk).await?;
    }
    match Format::sniff(&prefix) {
        Some(_) => Ok(prefix),
        None => Err(Code::TypeNotAllowed.into()),
    }
}

/// An upload whose last byte has come.
struct Received {
    room: RoomName,
    media: MediaId,
    key: ObjectKey,
    /// What the client announced.
    length: u64,
    prefix: Vec<u8>,
    is_private: bool,
    trace: Option<Trace>,
}

async fn commit(app: App, writer: Writer, received: Received) -> Result<(), Failure> {
    let Received { room, media, key, length, prefix, is_private, trace } = received;
    let app = &app;
    let header = Header::read(&prefix).ok_or(Code::TypeNotAllowed)?;
    // A plain SHA-256 would tell whoever has the row which picture it is. Asked for
    // before there is anything in the store: what fails leaves nothing there.
    let room_key = if is_private { Some(app.keys.current(&app.db, &room).await?) } else { None };
    failpoint!(UploadStreamed);
    let written = match writer.finish().await {
        Ok(written) => written,
        Err(error) => return Err(unless_gone(app, media, error.into()).await),
    };
    if written.size != length {
        discard(app, &key).await;
        return Err(Code::IncompleteUpload.into());
    }
    failpoint!(UploadStored);
    let digest = room_key.map_or(written.sha256, |key| key.digest(&written.sha256));
    let uploaded = Uploaded {
        id: media,
        now: app.now(),
        key: key.clone(),
        content_type: header.format.content_type().to_owned(),
        size: written.size,
        digest,
        width: header.size.map(|(width, _)| width),
        height: header.size.map(|(_, height)| height),
        specs: app.settings.transcodings.image.clone(),
        job: app.ids.job(),
        lane: app.settings.jobs.lane(written.size, &header),
        quotas: quotas(app),
        trace,
    };
    match record(app, &uploaded).await? {
        UploadOutcome::Stored { seq } => {
            failpoint!(UploadCommitted);
            metrics::counter!("heim_jobs_arrived_total", "lane" => uploaded.lane.as_str()).increment(1);
            app.bell.ring();
            tracing::info!(%media, job = %uploaded.job, bytes = uploaded.size, "uploaded");
            rooms::announce_media(app, &room, media, TranscodingName::original(), seq).await;
            failpoint!(UploadAnnounced);
            Ok(())
        }
        UploadOutcome::AlreadyUploaded => {
            discard(app, &key).await;
            Err(already_uploaded(media))
        }
        UploadOutcome::QuotaExceeded(exceeded) => {
            discard(app, &key).await;
            Err(exceeded.into())
        }
        UploadOutcome::Gone => {
            discard(app, &key).await;
            Err(Code::MediaNotFound.into())
        }
    }
}

/// Commits an upload. A commit whose answer was lost may have gone through, so
/// the database is asked again until it says what became of it.
async fn record(app: &App, uploaded: &Uploaded) -> Result<UploadOutcome, Failure> {
    let end = Instant::now() + SETTLE_TIME;
    let mut pause = SETTLE_PAUSE;
    loop {
        let error = match app.db.media_uploaded(uploaded).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => error,
        };
        if error.is_full() {
            // Said by the database itself, so there is no doubt.
            discard(app, &uploaded.key).await;
            return Err(error.into());
        }
        if !error.is_unavailable() || Instant::now() + pause > end {
            // The object stays, because a row may name it. If none does, it is for
            // a sweep of the store to find.
            tracing::warn!(media = %uploaded.id, key = %uploaded.key, "it is not known whether an upload was committed");
            return Err(error.into());
        }
        sleep(pause).await;
        pause *= 2;
    }
}

/// How much may be uploaded within a day.
pub(crate) fn quotas(app: &App) -> Quotas {
    let limits = &app.settings.limits;
    Quotas { agent: limits.bytes_per_agent_day, room: limits.bytes_per_room_day }
}

fn already_uploaded(media: MediaId) -> Failure {
    Failure { id: Some(media), ..Code::AlreadyUploaded.into() }
}

/// Why an upload to an object failed that was given up meanwhile: its folder may
/// have been removed under the writer's feet.
async fn unless_gone(app: &App, media: MediaId, failure: Failure) -> Failure {
    match app.db.upload_slot(media).await {
        Ok(None) => Code::MediaNotFound.into(),
        Ok(Some(_)) | Err(_) => failure,
    }
}

async fn discard(app: &App, key: &ObjectKey) {
    if let Err(error) = app.store.delete(key).await {
        tracing::warn!(%key, error = chain(&error), "cannot delete an object that no row names");
    }
}

/// Ends the handle: the media object fails if a message shows it, else it goes.
async fn refuse(app: &App, media: MediaId, reason: Reason) {
    match app.db.media_refuse(media, reason).await {
        Ok(Some(ended)) => rooms::announce_expired(app, ended).await,
        Ok(None) => {}
        Err(error) => tracing::warn!(%media, error = chain(&error), "cannot end an upload handle"),
    }
}
