//! URLs by which a client fetches an object from the server itself.

use super::Bucket;
use crate::StoreError;
use http::Method;
use object_store::{
    path::Path,
    signer::{SignedUrlOptions, Signer},
};
use std::{sync::Arc, time::Duration};

/// Who signs them, and where they lead to.
#[derive(Clone)]
pub(super) struct Links {
    pub(super) signer: Arc<dyn Signer>,
    pub(super) holds: Duration,
    /// Scheme, host and port.
    pub(super) origin: String,
}

/// What the server is to say of an object, as far as it can be told.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The `Content-Type`.
    pub content_type: &'a str,
    /// The `Content-Disposition`.
    pub disposition: &'a str,
    /// The `Cache-Control`.
    pub caching: &'a str,
}

/// A URL by which whoever has it fetches one object, for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presigned {
    /// The URL. Nothing takes it back.
    pub url: String,
    /// How long it holds.
    pub holds: Duration,
}

impl Bucket {
    /// The URL for a request of this method; `None` where none are to be given.
    pub(crate) async fn presigned(
        &self,
        path: &Path,
        method: Method,
        presented: Presented<'_>,
    ) -> Result<Option<Presigned>, StoreError> {
        let Some(links) = &self.links else { return Ok(None) };
        let said = [
            ("response-content-type", presented.content_type),
            ("response-content-disposition", presented.disposition),
            ("response-cache-control", presented.caching),
        ];
        let options = SignedUrlOptions::new().with_query(said);
        let path = Path::from(format!("{}{path}", self.root()));
        let url = links.signer.signed_url_opts(method, &path, links.holds, &options).await;
        let url = url.map_err(|error| StoreError::failed("sign a URL", error))?;
        Ok(Some(Presigned { url: url.into(), holds: links.holds }))
    }

    /// Where such URLs lead to.
    pub(crate) fn origin(&self) -> Option<&str> {
        self.links.as_ref().map(|links| links.origin.as_str())
    }
}

/// Scheme, host and port of a URL.
pub(super) fn origin(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.split('/').next().unwrap_or_default()),
        None => String::new(),
    }
}
