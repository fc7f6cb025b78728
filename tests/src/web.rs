//! A client of the HTTP side: uploads by handle, downloads, hooks.

use crate::until::within;
use heim_common::{problem, wire::UploadHandle};
use reqwest::{
    Client, ClientBuilder, Method, RequestBuilder,
    header::{CONTENT_TYPE, HeaderMap},
    redirect,
};
use serde_json::Value;
use std::time::Duration;

/// How long a connection is kept for the next request: far less than a server
/// waits for one, so that none is sent just when it gives up waiting.
const IDLE: Duration = Duration::from_secs(1);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's text; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("our headers are text"))
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The stable code of a problem, with what every problem must have.
    #[must_use]
    pub fn code(&self) -> String {
        assert_eq!(self.header(CONTENT_TYPE.as_str()), problem::CONTENT_TYPE, "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status, "{body}");
        assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{body}");
        body["code"].as_str().unwrap_or_else(|| panic!("no code: {body}")).to_owned()
    }

    /// Status and code together: what a refusal is told by.
    #[must_use]
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.code())
    }
}

/// An HTTP client that follows no redirects and asks no proxy.
#[derive(Clone, Debug)]
pub struct Web(Client);

impl Default for Web {
    fn default() -> Self {
        Self::of(builder().pool_idle_timeout(IDLE))
    }
}

impl Web {
    /// One that keeps no connection: each request has its own.
    #[must_use]
    pub fn without_pool() -> Self {
        Self::of(builder().pool_max_idle_per_host(0))
    }

    fn of(builder: ClientBuilder) -> Self {
        Self(builder.build().expect("an HTTP client can be made"))
    }

    /// A request to be sent by [`answer`].
    pub fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.0.request(method, url)
    }

    /// `GET`.
    pub async fn get(&self, url: &str) -> Answer {
        answer(self.request(Method::GET, url)).await
    }

    /// Uploads by a handle: its method, its URL, all of its headers.
    pub async fn upload(&self, handle: &UploadHandle, bytes: impl Into<reqwest::Body>) -> Answer {
        answer(self.uploading(handle).body(bytes)).await
    }

    /// As [`Self::upload`], where there may be no answer.
    pub async fn try_upload(&self, handle: &UploadHandle, bytes: impl Into<reqwest::Body>) -> Option<Answer> {
        try_answer(self.uploading(handle).body(bytes)).await.ok()
    }

    /// The request that a handle describes, still without a body.
    pub fn uploading(&self, handle: &UploadHandle) -> RequestBuilder {
        let method = handle.method.parse().expect("a handle's method is one");
        let request = self.request(method, &handle.url);
        let headers = handle.headers.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        headers.fold(request, |request, (name, value)| request.header(name, value))
    }
}

/// Sends a request and reads all of the answer.
pub async fn answer(request: RequestBuilder) -> Answer {
    try_answer(request).await.unwrap_or_else(|error| panic!("{error:?}"))
}

/// As [`answer`], where there may be none.
///
/// # Errors
/// If there is none, or not all of it.
pub async fn try_answer(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    within("the server answers", async {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await?.to_vec();
        Ok(Answer { status, headers, body })
    })
    .await
}

/// Without the system's certificates: all is plain http on loopback, and to read
/// them takes longer than most tests.
fn builder() -> ClientBuilder {
    Client::builder().redirect(redirect::Policy::none()).no_proxy().tls_certs_only([])
}
