//! Media objects, their transcodings and their jobs as text that a person can
//! read: for tests, and for whoever has to find out what happened.

use crate::{
    database::Database,
    entity::{event, job, media_object, media_transcoding},
    error::DbError,
};
use sea_orm::{EntityTrait, QueryOrder};
use std::fmt::Write;

impl Database {
    /// All of it, by id. Times and leases are told by whether they are there,
    /// so that the text is the same for the same history.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn snapshot(&self) -> Result<String, DbError> {
        self.read(DbError::ReadMedia, async {
            let mut text = String::new();
            for row in media_object::Entity::find().order_by_asc(media_object::Column::Id).all(&self.pool).await? {
                object(&mut text, row);
            }
            let order = media_transcoding::Entity::find().order_by_asc(media_transcoding::Column::MediaId);
            let mut rows = order.all(&self.pool).await?;
            rows.sort_by(|a, b| (a.media_id, &a.name).cmp(&(b.media_id, &b.name)));
            for row in rows {
                transcoding(&mut text, row);
            }
            for row in job::Entity::find().order_by_asc(job::Column::Id).all(&self.pool).await? {
                job(&mut text, row);
            }
            for row in event::Entity::find().order_by_asc(event::Column::Seq).all(&self.pool).await? {
                let event::Model { seq, room, media_id, name, created: _ } = row;
                line(&mut text, &format!("event {seq} {room}/{media_id} {name}"));
            }
            Ok(text)
        })
        .await
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn whether(name: &str, is_there: bool) -> String {
    if is_there { format!(" {name}") } else { String::new() }
}

fn pixels(width: Option<i64>, height: Option<i64>) -> String {
    format!("{}x{}", shown(width), shown(height))
}

// Every row is taken apart without `..`, so that a new column cannot be
// forgotten here.

fn object(text: &mut String, row: media_object::Model) {
    let media_object::Model {
        id,
        room,
        agent_id,
        name: _,
        server_id: _,
        server_era: _,
        created: _,
        expires: _,
        max_size,
        uploaded,
        state,
        failure,
        storage,
        content_type,
        size,
        digest,
        width,
        height,
        placeholder,
        color,
        frames,
        alpha,
        encryption_key_id,
        wrapped_key,
        seq,
        attached,
        gone,
    } = row;
    let mut told = format!("media {id} {room} {agent_id} {state}");
    let _ = write!(told, " {} {} {}/{max_size}", shown(content_type), pixels(width, height), shown(size));
    told += &whether("uploaded", uploaded.is_some());
    told += &whether("digest", digest.is_some());
    told += &whether("placeholder", placeholder.is_some());
    told += &whether("color", color.is_some());
    if let (Some(frames), Some(alpha)) = (frames, alpha) {
        let _ = write!(told, " frames {frames} alpha {alpha}");
    }
    told += &whether("attached", attached.is_some());
    told += &whether("gone", gone.is_some());
    if let (Some(key), Some(_)) = (encryption_key_id, wrapped_key) {
        let _ = write!(told, " under key {key}");
    }
    if let Some(failure) = failure {
        let _ = write!(told, " because of {failure}");
    }
    if let Some(storage) = storage {
        let _ = write!(told, " at {storage}");
    }
    let _ = write!(told, " told {seq}");
    line(text, &told);
}

fn transcoding(text: &mut String, row: media_transcoding::Model) {
    let media_transcoding::Model { media_id, name, version, uri, content_type, size, width, height, seq } = row;
    let pixels = pixels(width, height);
    line(text, &format!("transcoding {media_id} {name} v{version} {content_type} {pixels} {size} at {uri} told {seq}"));
}

fn job(text: &mut String, row: job::Model) {
    let job::Model {
        id,
        kind,
        lane,
        room,
        media_id,
        transcodings: _,
        state,
        fence,
        failures,
        deaths,
        engine,
        worker,
        lease_until,
        run_after: _,
        rests_until: _,
        dispatched,
        reason,
        created: _,
        finished,
        snoozes: _,
        away_since,
        claim_nonce: _,
        trace: _,
    } = row;
    let mut told = format!("job {id} {kind} {lane} {room}/{media_id} {state} fence {fence}");
    let _ = write!(told, " failures {failures} deaths {deaths} engine {} worker {}", shown(engine), shown(worker));
    told += &whether("leased", lease_until.is_some());
    told += &whether("dispatched", dispatched.is_some());
    told += &whether("finished", finished.is_some());
    told += &whether("away", away_since.is_some());
    if let Some(reason) = reason {
        let _ = write!(told, " because of {reason}");
    }
    line(text, &told);
}
