//! Requests whose answers may break off, and which are told from those that are
//! whole.

use heim_common::wire::MediaView;
use heim_tests::raw::{Raw, authority, head};

/// What came of a request.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    /// The status; 0 where the connection was cut before the head was out.
    pub(crate) status: u16,
    /// What the head promises of the body.
    pub(crate) length: usize,
    /// What came of it before the connection was closed.
    pub(crate) body: Vec<u8>,
}

impl Got {
    /// Whether the body is all that was promised.
    pub(crate) fn is_whole(&self) -> bool {
        self.body.len() == self.length
    }
}

/// Where a transcoding of a media object can be had.
pub(crate) fn url<'a>(media: &'a MediaView, name: &str) -> &'a str {
    let name = name.parse().expect("a transcoding's name");
    &media.transcodings.get(&name).unwrap_or_else(|| panic!("{media:?} has no {name}")).url
}

/// The path and the query of a URL.
pub(crate) fn path(url: &str) -> &str {
    &url["http://".len() + authority(url).len()..]
}

/// `GET` on a connection of its own.
pub(crate) async fn get(url: &str, headers: &[(&str, &str)]) -> Got {
    let all: Vec<_> = [("host", authority(url)), ("connection", "close")].iter().chain(headers).copied().collect();
    let mut connection = Raw::connect(url).await;
    assert!(connection.write(head("GET", path(url), &all)).await, "the server takes a request");
    let answer = connection.closed().await;
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Got { status: 0, length: 0, body: answer };
    };
    let head = std::str::from_utf8(&answer[..end]).expect("a head is text").to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    Got { status, length, body: answer[end + 4..].to_vec() }
}
