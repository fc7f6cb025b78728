//! What an operation is asked: queries and paths, read strictly. What it does not know,
//! it refuses by name, so that a misspelt `dry_run` never removes anything.

use crate::failure::Failure;
use axum::{
    extract::{FromRequestParts, Query as Pairs},
    http::request::Parts,
};
use heim_common::{RoomName, UserId, problem::Code};
use serde::{Deserialize, Deserializer, de};
use serde_json::Number;
use std::{error::Error, fmt::Display, str::FromStr};
use utoipa::IntoParams;

/// Most entries of a page, and how many it has where nobody says.
pub(super) const PAGE_MAX: u64 = 1_000;
const PAGE_DEFAULT: u64 = 50;
/// Most names that an answer lists of what was done; it counts all of them.
pub(super) const NAMED_MAX: usize = 1_000;
/// Longest name that others chose, in characters.
const LINE_MAX: usize = 256;

/// A query of which every key is known and every value can be.
#[derive(Clone, Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: de::DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let read = Pairs::try_from_uri(&parts.uri);
        // What is wrong, without axum's words about where.
        let wrong = |error: &dyn Error| error.source().map_or_else(|| error.to_string(), ToString::to_string);
        read.map(|Pairs(asked)| Self(asked))
            .map_err(|error| Failure::with(Code::BadRequest, format!("The query: {}", wrong(&error))))
    }
}

/// Of an operation that has no query.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Of an operation that can be tried first.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Tried {
    /// `true`: say exactly what would be done, and do nothing.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// A word of a closed list, or an id.
pub(super) fn word<'de, D, T>(given: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(given)?.parse().map(Some).map_err(de::Error::custom)
}

/// A name that others chose: whatever a database can hold.
pub(super) fn line<'de, D: Deserializer<'de>>(given: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(given)?;
    if is_line(&text) {
        Ok(Some(text))
    } else {
        Err(de::Error::custom(format!("1 to {LINE_MAX} characters, none of control, expected")))
    }
}

/// Whether something can have this name.
pub(super) fn is_line(text: &str) -> bool {
    (1..=LINE_MAX).contains(&text.chars().count()) && !text.contains(char::is_control)
}

/// A whole number of a body. That 12.0 is one, too, is JSON's way.
pub(super) fn whole<'de, D, T>(given: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
{
    let Some(number) = Option::<Number>::deserialize(given)? else { return Ok(None) };
    let text = number.to_string();
    let whole = text.strip_suffix(".0").unwrap_or(&text).parse().ok();
    whole.map(Some).ok_or_else(|| de::Error::custom(format!("{text} is no number that can be here")))
}

/// How many entries a page may have.
pub(super) fn limit<'de, D: Deserializer<'de>>(given: D) -> Result<u64, D::Error> {
    match u64::deserialize(given)? {
        limit @ 1..=PAGE_MAX => Ok(limit),
        _ => Err(de::Error::custom(format!("1 to {PAGE_MAX} expected"))),
    }
}

pub(super) fn page_default() -> u64 {
    PAGE_DEFAULT
}

/// The room of a path.
pub(super) fn room_name(text: &str) -> Result<RoomName, Failure> {
    text.parse().map_err(|_| Code::RoomNotFound.into())
}

/// An agent that somebody wrote.
pub(super) fn agent_id(text: &str) -> Result<UserId, Failure> {
    UserId::parse(text).ok_or_else(|| Failure::with(Code::BadRequest, "An agent's id begins with `agent:` or `bot:`."))
}

/// As many as an answer lists.
pub(super) fn named<T>(mut all: Vec<T>) -> Vec<T> {
    all.truncate(NAMED_MAX);
    all
}

/// Where the next page begins, if this one is full.
pub(super) fn next<T, N>(page: &[T], limit: u64, name: impl FnOnce(&T) -> N) -> Option<N> {
    page.last().filter(|_| page.len() as u64 == limit).map(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use heim_common::job::Lane;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Example {
        #[serde(default, deserialize_with = "word")]
        lane: Option<Lane>,
        #[serde(default, deserialize_with = "line")]
        worker: Option<String>,
        #[serde(default = "page_default", deserialize_with = "limit")]
        limit: u64,
        #[serde(default)]
        dry_run: bool,
    }

    async fn read(query: &str) -> Result<Example, String> {
        let request = Request::builder().uri(format!("/?{query}")).body(()).unwrap();
        let read = Query::from_request_parts(&mut request.into_parts().0, &()).await;
        read.map(|Query(example)| example).map_err(|failure| failure.detail.unwrap())
    }

    #[tokio::test]
    async fn what_is_not_understood_is_refused_by_its_name() {
        let example = read("lane=bulk&limit=1000&dry_run=true&worker=a%20b").await.unwrap();
        assert_eq!((example.lane, example.limit, example.dry_run), (Some(Lane::Bulk), 1_000, true));
        assert_eq!(example.worker.as_deref(), Some("a b"));
        assert_eq!(read("").await.unwrap().limit, PAGE_DEFAULT);
        for (query, name, why) in [
            ("dryrun=true", "dryrun", "unknown field"),
            ("lane=bored", "lane", "unknown word `bored`"),
            ("lane=", "lane", "unknown word"),
            ("limit=0", "limit", "1 to 1000"),
            ("limit=1001", "limit", "1 to 1000"),
            ("limit=-1", "limit", "invalid digit"),
            ("worker=", "worker", "1 to 256 characters"),
            ("worker=a%00", "worker", "none of control"),
            ("dry_run=yes", "dry_run", "`true` or `false`"),
            ("limit=1&limit=2", "limit", "duplicate field"),
        ] {
            let detail = read(query).await.unwrap_err();
            assert!(detail.contains(name) && detail.contains(why), "{query}: {detail}");
        }
    }
}
