//! What an S3 server does that is not well.

use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE},
    service::Service,
};
use s3s::{Body, service::S3Service};
use std::sync::{Mutex, PoisonError};

/// What the server does with requests, beside carrying them out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// It answers so many requests of this method, or of any if there is none,
    /// with an error, and carries them not out.
    Refuse {
        /// Only these.
        method: Option<&'static str>,
        /// The status of the answer: 503 for `SlowDown`, 507 for a full disk.
        status: u16,
        /// So many.
        times: u32,
    },
    /// It says nothing to so many requests of this method, and carries them not out.
    Hang {
        /// Only these.
        method: &'static str,
        /// So many.
        times: u32,
    },
    /// It carries so many requests of this method out and closes the connection
    /// instead of answering.
    LoseReply {
        /// Only these.
        method: &'static str,
        /// So many.
        times: u32,
    },
    /// It is asked for parts, and says of each answer that it is the whole.
    WholeForParts,
    /// It is asked for parts, and answers with as many other bytes.
    OtherParts,
}

/// The trouble that is on, and how many requests it came over.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<(Trouble, u32)>);

/// The answer stays away.
#[derive(Debug)]
pub(super) struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no answer")
    }
}

impl std::error::Error for Lost {}

impl Troubles {
    pub(super) fn set(&self, trouble: Trouble) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (trouble, 0);
    }

    pub(super) fn count(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// What comes over a request of this method, for a part or not.
    fn over(&self, asked: &str, for_a_part: bool) -> Trouble {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (trouble, count) = *now;
        let concerns = match trouble {
            Trouble::None => false,
            Trouble::Refuse { method, times, .. } => count < times && method.is_none_or(|method| method == asked),
            Trouble::Hang { method, times } | Trouble::LoseReply { method, times } => count < times && method == asked,
            Trouble::WholeForParts | Trouble::OtherParts => asked == "GET" && for_a_part,
        };
        if !concerns {
            return Trouble::None;
        }
        now.1 += 1;
        trouble
    }

    pub(super) async fn answer(&self, service: &S3Service, request: Request<Incoming>) -> Result<Response<Body>, Lost> {
        match self.over(request.method().as_str(), request.headers().contains_key(RANGE)) {
            Trouble::None => Service::call(service, request).await.map_err(|_| Lost),
            Trouble::WholeForParts => {
                let mut answer = Service::call(service, request).await.map_err(|_| Lost)?;
                *answer.status_mut() = hyper::StatusCode::OK;
                answer.headers_mut().remove(CONTENT_RANGE);
                Ok(answer)
            }
            Trouble::OtherParts => {
                let answer = Service::call(service, request).await.map_err(|_| Lost)?;
                let size = answer.headers().get(CONTENT_LENGTH).and_then(|size| size.to_str().ok()?.parse().ok());
                let (head, _) = answer.into_parts();
                Ok(Response::from_parts(head, Body::from("?".repeat(size.expect("it says how long it is")))))
            }
            // Until the client has gone.
            Trouble::Hang { .. } => std::future::pending().await,
            Trouble::LoseReply { .. } => {
                let _ = Service::call(service, request).await;
                Err(Lost)
            }
            Trouble::Refuse { status, .. } => {
                let code = if status == 503 { "SlowDown" } else { "InternalError" };
                let text = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
                let mut answer = Response::new(Body::from(text));
                *answer.status_mut() = hyper::StatusCode::from_u16(status).expect("a status");
                Ok(answer)
            }
        }
    }
}
