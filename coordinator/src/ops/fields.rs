//! What a query or a form says: names and values, of which some come more than once.

use crate::failure::Failure;
use axum::{
    extract::{FromRequestParts, Query},
    http::{Uri, request::Parts},
};
use heim_common::{JobId, problem::Code};
use heim_db::JobFilter;
use std::{convert::Infallible, fmt::Write, str::FromStr};

/// The names of a filter's fields, in the order in which they are shown.
pub(super) const FILTER: [&str; 6] = ["state", "lane", "room", "media", "reason", "worker"];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The fields of a form.
    pub(super) fn read(form: &[u8]) -> Result<Self, Failure> {
        let unread = || Failure::from(Code::BadRequest);
        let text = std::str::from_utf8(form).map_err(|_| unread())?;
        let uri = Uri::builder().path_and_query(format!("/?{text}")).build().map_err(|_| unread())?;
        Query::try_from_uri(&uri).map(|Query(fields)| Self(fields)).map_err(|_| unread())
    }

    /// The value of this name, without space around it; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.trim())
    }

    /// All values of this name.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.trim())
    }

    /// The value of this name, if one is given.
    pub(super) fn value<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let unread = |text: &str| Failure::with(Code::BadRequest, format!("\u{201c}{text}\u{201d} is no {name}."));
        match self.get(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| unread(text)),
        }
    }

    /// The jobs that are looked for.
    pub(super) fn filter(&self) -> Result<JobFilter, Failure> {
        Ok(JobFilter {
            state: self.value("state")?,
            lane: self.value("lane")?,
            room: self.value("room")?,
            media: self.value("media")?,
            reason: self.value("reason")?,
            worker: self.value("worker")?,
        })
    }

    /// The jobs that are named one by one.
    pub(super) fn jobs(&self) -> Result<Vec<JobId>, Failure> {
        let unread = |_| Failure::with(Code::BadRequest, "That is no job.");
        self.all("job").map(|text| text.parse().map_err(unread)).collect()
    }

    /// Where to go when it is done: a page of ours.
    pub(super) fn back(&self) -> &str {
        let back = self.get("back");
        let is_ours = back.starts_with("/ops/") && back.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if is_ours { back } else { "/ops/" }
    }

    /// Those of these names that say something, as a query.
    pub(super) fn query(&self, names: &[&str]) -> String {
        let mut query = String::new();
        for (name, value) in names.iter().map(|name| (*name, self.get(name))).filter(|(_, value)| !value.is_empty()) {
            let separator = if query.is_empty() { '?' } else { '&' };
            let _ = write!(query, "{separator}{name}={}", encoded(value));
        }
        query
    }
}

/// A value as it stands in a query.
pub(super) fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => write!(text, "{}", char::from(byte)),
            byte => write!(text, "%{byte:02X}"),
        };
    }
    text
}

impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = Infallible;

    /// A query that cannot be read asks for nothing.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Query::try_from_uri(&parts.uri).map_or_else(|_| Self::default(), |Query(fields)| Self(fields)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_and_written() {
        let fields = Fields::read(b"room=a+b%26c&job=1&job=2&state=&back=%2Fops%2Fjobs%3Fstate%3Dfailed").unwrap();
        assert_eq!((fields.get("room"), fields.get("state"), fields.get("none")), ("a b&c", "", ""));
        assert_eq!(fields.all("job").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(fields.query(&["state", "room"]), "?room=a%20b%26c");
        assert_eq!(fields.back(), "/ops/jobs?state=failed");
        assert!(fields.filter().is_err(), "a room has no such name");
        for foreign in
            ["back=//evil.example/ops/", "back=https://evil.example", "back=/ops/%0d%0aX:1", "back=/ops/%5C", ""]
        {
            assert_eq!(Fields::read(foreign.as_bytes()).unwrap().back(), "/ops/", "{foreign}");
        }
    }
}
