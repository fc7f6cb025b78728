//! Upload handles, the token of the API, and the credentials of hooks.

use super::{
    alteration::{Random, flipped, replaced},
    attempt::Attempt,
};
use crate::{base64::base64, operator::TOKEN, pictures::pixel};
use heim_common::wire::{MediaView, UploadHandle};
use heim_tests::standalone::HOOKS;
use std::fmt::Write;

/// What an upload handle's bearer token is.
fn token(handle: &UploadHandle) -> &str {
    handle.headers["Authorization"][0].strip_prefix("Bearer ").expect("a bearer token")
}

/// An upload that would be accepted.
fn put(what: &'static str, id: &[u8], token: &[u8], is_id_altered: bool) -> Attempt {
    let body = pixel("altered");
    let rest = format!(" HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\nauthorization: Bearer ", body.len());
    let tail = [b"\r\n\r\n", &body[..]].concat();
    if is_id_altered {
        Attempt::new(what, "PUT /media/", id, &[rest.as_bytes(), token, &tail].concat())
    } else {
        let id = std::str::from_utf8(id).expect("an id is text");
        Attempt::new(what, &format!("PUT /media/{id}{rest}"), token, &tail)
    }
}

/// Every byte of every token replaced, every bit of every id flipped, every
/// field taken from the others or changed by itself.
pub(super) fn uploads(handles: &[UploadHandle]) -> Vec<Attempt> {
    let mut all = Vec::new();
    for handle in handles {
        let (id, own) = (handle.id.to_string(), token(handle));
        let with = |token: &[u8]| put("upload token", id.as_bytes(), token, false);
        all.extend(replaced(own.as_bytes()).map(|token| with(&token)));
        let ids = flipped(id.as_bytes()).map(|id| put("upload id", &id, own.as_bytes(), true));
        all.extend(ids);
        let (fields, signature) = own.rsplit_once('.').expect("fields and their signature");
        let forms = [format!("{fields}.{signature}="), format!("{fields}."), signature.to_owned(), String::new()];
        let others = handles.iter().filter(|other| other.id != handle.id).map(token);
        let swapped = others.flat_map(|other| {
            let (_, signature) = other.rsplit_once('.').expect("fields and their signature");
            [other.to_owned(), format!("{fields}.{signature}")]
        });
        let altered: Vec<_> = changed(fields).into_iter().map(|fields| format!("{fields}.{signature}")).collect();
        let altered = altered.into_iter().chain(forms).chain(swapped).chain([TOKEN.to_owned()]);
        all.extend(altered.map(|token| with(token.as_bytes())));
    }
    all
}

/// The fields of a token, all of them numbers, with one of them changed, written
/// in another way, or left out.
fn changed(fields: &str) -> Vec<String> {
    let fields: Vec<_> = fields.split('.').collect();
    let mut all = Vec::new();
    for (place, field) in fields.iter().enumerate() {
        let number: i64 = field.parse().expect("a number");
        let mut with = |other: &[&str]| all.push([&fields[..place], other, &fields[place + 1..]].concat().join("."));
        for other in [number + 1, number - 1, 0, i64::MAX].map(|number| number.to_string()) {
            with(&[&other]);
        }
        for other in [format!("0{field}"), format!("+{field}"), format!("1{field}"), format!("-{field}")] {
            with(&[&other]);
        }
        for others in [&[][..], &[""], &[*field, *field]] {
            with(others);
        }
    }
    all.retain(|altered| *altered != fields.join("."));
    all
}

/// So many more, with a few letters of a token replaced at random.
pub(super) fn random_uploads(handle: &UploadHandle, count: usize) -> Vec<Attempt> {
    let (id, own, mut random) = (handle.id.to_string(), token(handle), Random::new());
    let with = |token: &[u8]| put("upload token", id.as_bytes(), token, false);
    (0..count).map(|_| with(&random.altered(own.as_bytes()))).collect()
}

/// Every byte of the API's token replaced, and other secrets in its place.
pub(super) fn admin(handle: &UploadHandle) -> Vec<Attempt> {
    let with = |token: &[u8]| {
        let before = "GET /api/v1/rooms/vault HTTP/1.1\r\nhost: h\r\nauthorization: Bearer ";
        Attempt::new("admin token", before, token, b"\r\n\r\n")
    };
    let others = [token(handle), HOOKS.0, HOOKS.1, "", &TOKEN[1..], &TOKEN[..TOKEN.len() - 1]]
        .map(|token| with(token.as_bytes()));
    replaced(TOKEN.as_bytes()).map(|token| with(&token)).chain(others).collect()
}

/// Every byte of the hooks' credentials replaced, as they are sent and as they
/// are meant, and other secrets in their place.
pub(super) fn hooks(media: &MediaView) -> Vec<Attempt> {
    let before = format!("POST /room/vault/media/{}/uploaded HTTP/1.1\r\nhost: h\r\n", media.id);
    let body = r#"{"content_type":"image/gif","size":1,"sha256":"00"}"#;
    let mut before = before + "content-type: application/json\r\n";
    let _ = write!(before, "content-length: {}\r\nauthorization: Basic ", body.len());
    let with = |sent: &[u8]| Attempt::new("hook credentials", &before, sent, format!("\r\n\r\n{body}").as_bytes());
    let meant = format!("{}:{}", HOOKS.0, HOOKS.1);
    let sent = base64(meant.as_bytes());
    let swapped = [(HOOKS.1, HOOKS.0), (HOOKS.0, TOKEN), (HOOKS.0, HOOKS.0), ("", HOOKS.1), (HOOKS.0, "")];
    let swapped = swapped.map(|(key, secret)| with(base64(format!("{key}:{secret}").as_bytes()).as_bytes()));
    let altered = replaced(sent.as_bytes()).map(|sent| with(&sent));
    let meant = replaced(meant.as_bytes()).map(|meant| with(base64(&meant).as_bytes())).collect::<Vec<_>>();
    altered.chain(meant).chain(swapped).collect()
}
