//! What a server was asked, for tests about requests themselves.

use hyper::{Request, Response};
use std::sync::{Mutex, PoisonError};

/// A request, without its body.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub target: String,
    /// Its headers.
    pub headers: hyper::HeaderMap,
    /// What was answered; 0 where no answer was given.
    pub status: u16,
}

impl Seen {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().to_string(),
            target: request.uri().to_string(),
            headers: request.headers().clone(),
            status: 0,
        }
    }

    /// A header as text; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The id of the keys that it is signed with.
    #[must_use]
    pub fn key(&self) -> &str {
        let signed = self.header("authorization").split_once("Credential=").map_or("", |(_, rest)| rest);
        signed.split('/').next().unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(super) struct Requests(Mutex<Vec<Seen>>);

impl Requests {
    pub(super) fn note<B>(&self, seen: Seen, answer: Option<&Response<B>>) {
        let status = answer.map_or(0, |answer| answer.status().as_u16());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Seen { status, ..seen });
    }

    pub(super) fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
