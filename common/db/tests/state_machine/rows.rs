//! What is left, as text: by the model, and by the database.

use crate::model::{Job, Media, Message, Model, Room};
use heim_common::job::JobState;

/// How many rows of jobs and attempts do not agree: each claim is an attempt, and it
/// runs as long as the job does.
pub(crate) const AT_ODDS: &str = "SELECT
    (SELECT count(*) FROM job WHERE fence <> (SELECT count(*) FROM attempt WHERE attempt.job = job.id)) +
    (SELECT count(*) FROM job WHERE state = 'running' AND NOT EXISTS (
       SELECT 1 FROM attempt WHERE attempt.job = job.id AND attempt.fence = job.fence AND ended IS NULL)) +
    (SELECT count(*) FROM attempt WHERE ended IS NULL AND NOT EXISTS (
       SELECT 1 FROM job WHERE job.id = attempt.job AND job.fence = attempt.fence AND state = 'running'))";

/// The rows of the database as lines, in no order.
pub(crate) const SQL: &str = "
    SELECT 'room ' || (deleted IS NOT NULL) AS line FROM room
    UNION ALL SELECT 'paused ' || lane FROM lane_pause
    UNION ALL SELECT 'media ' || id || ' ' || state || ' ' || coalesce(failure, '-') || ' uploaded ' || (uploaded IS NOT NULL)
        || ' attached ' || (attached IS NOT NULL) || ' gone ' || (gone IS NOT NULL) || ' seq ' || seq FROM media_object
    UNION ALL SELECT 'transcoding ' || media_id || ' ' || name || ' ' || version || ' ' || seq FROM media_transcoding
    UNION ALL SELECT 'job ' || id || ' ' || state || ' ' || coalesce(reason, '-') || ' fence ' || fence
        || ' failures ' || failures || ' deaths ' || deaths || ' engine ' || coalesce(engine, 0)
        || ' lease ' || (lease_until IS NOT NULL) || ' told ' || (coalesce(dispatched, 0) > 0) FROM job
    UNION ALL SELECT 'message ' || message.id || ' ' || (deleted IS NOT NULL) || ' ' || media_id
        FROM message JOIN message_attachment ON message_id = message.id
    UNION ALL SELECT 'event ' || seq || ' ' || media_id || ' ' || name FROM event";

/// The model's, sorted.
pub(crate) fn of(model: &Model) -> Vec<String> {
    let mut lines = Vec::new();
    if model.room != Room::Swept {
        lines.push(format!("room {}", u8::from(model.room == Room::Deleted)));
    }
    lines.extend(model.paused.then(|| "paused interactive".to_owned()));
    for (object, media) in model.media.iter().enumerate() {
        lines.extend(media.iter().flat_map(|media| of_media(object + 1, media)));
    }
    for (object, job) in model.jobs.iter().enumerate() {
        lines.extend(job.iter().map(|job| of_job(object + 1, job)));
    }
    for (index, message) in model.messages.iter().enumerate() {
        let Message { shows, deleted, .. } = message;
        // The link goes with the media object's row.
        if message.shows(*shows) && model.media[*shows].is_some() {
            lines.push(format!("message {} {} {}", index + 1, u8::from(*deleted), shows + 1));
        }
    }
    lines.extend(model.events.iter().map(|(seq, object, name)| format!("event {seq} {} {}", object + 1, word(*name))));
    lines.sort();
    lines
}

/// The name of a transcoding.
pub(crate) fn word(name: usize) -> &'static str {
    ["original", "thumb-160", "thumb-320"][name]
}

fn of_media(id: usize, media: &Media) -> Vec<String> {
    let failure = media.failure.map_or("-", heim_common::job::Reason::as_str);
    let (uploaded, attached, gone) = (u8::from(media.uploaded), u8::from(media.attached), u8::from(media.gone));
    let state = media.state.as_str();
    let line =
        format!("media {id} {state} {failure} uploaded {uploaded} attached {attached} gone {gone} seq {}", media.seq);
    let of = |(name, (version, _, seq)): (&usize, &(u32, bool, i64))| {
        format!("transcoding {id} {} {version} {seq}", word(*name))
    };
    std::iter::once(line).chain(media.transcodings.iter().map(of)).collect()
}

fn of_job(id: usize, job: &Job) -> String {
    let reason = job.reason.map_or("-", heim_common::job::Reason::as_str);
    let Job { state, fence, failures, deaths, engine, told, .. } = job;
    let (lease, told) = (u8::from(*state == JobState::Running), u8::from(*told));
    let (state, engine) = (state.as_str(), engine.unwrap_or(0));
    format!(
        "job {id} {state} {reason} fence {fence} failures {failures} deaths {deaths} engine {engine} lease {lease} told {told}"
    )
}
