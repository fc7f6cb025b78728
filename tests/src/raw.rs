//! HTTP written by hand on a bare connection: for what no HTTP client would
//! send, and for the instant at which a byte leaves.

use crate::{until::within, web::Answer};
use heim_common::wire::UploadHandle;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

/// The authority of an `http://` address.
#[must_use]
pub fn authority(base: &str) -> &str {
    base.strip_prefix("http://").expect("servers under test speak plain HTTP").split('/').next().unwrap_or_default()
}

/// The head of a request, up to and with the empty line.
#[must_use]
pub fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("{method} {path} HTTP/1.1\r\n{}\r\n", lines.collect::<String>())
}

/// The head of an upload by a handle, with these headers besides its own.
#[must_use]
pub fn upload_head(handle: &UploadHandle, more: &[(&str, &str)]) -> String {
    let host = authority(&handle.url);
    let path = &handle.url["http://".len() + host.len()..];
    let own =
        handle.headers.iter().flat_map(|(name, values)| values.iter().map(|value| (name.as_str(), value.as_str())));
    let all: Vec<_> = [("Host", host)].into_iter().chain(own).chain(more.iter().copied()).collect();
    head(&handle.method, path, &all)
}

impl Raw {
    /// Connects to the server at this address.
    pub async fn connect(base: &str) -> Self {
        let stream = within("the server accepts", TcpStream::connect(authority(base))).await.expect("it listens");
        stream.set_nodelay(true).expect("a fresh connection takes options");
        Self::over(stream)
    }

    /// Goes on with a connection.
    #[must_use]
    pub fn over(stream: TcpStream) -> Self {
        Self { stream, read: Vec::new() }
    }

    /// Sends bytes. False if the server has closed the connection meanwhile.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        within("the server reads", self.stream.write_all(bytes.as_ref())).await.is_ok()
    }

    /// Says that nothing more comes, and still listens.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Cuts the connection with a reset, as a crash or a lost network does.
    pub fn cut(self) {
        self.stream.set_zero_linger().expect("a connection takes options");
    }

    /// The next answer; `None` if the server closes without one.
    pub async fn answer(&mut self) -> Option<Answer> {
        loop {
            if let Some((answer, used)) = parse(&self.read) {
                self.read.drain(..used);
                return Some(answer);
            }
            if !self.read_more().await {
                return None;
            }
        }
    }

    /// Waits until the server closes the connection; what it said before, if
    /// anything, is returned.
    pub async fn closed(&mut self) -> Vec<u8> {
        within("the server closes", async { while self.read_more().await {} }).await;
        std::mem::take(&mut self.read)
    }

    async fn read_more(&mut self) -> bool {
        let read = within("the server answers or closes", self.stream.read_buf(&mut self.read)).await;
        read.is_ok_and(|count| count > 0)
    }
}

/// An answer and its length, if all of it is there. The server's answers to
/// what is sent here have a `Content-Length`.
fn parse(bytes: &[u8]) -> Option<(Answer, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).expect("a head is text");
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name: HeaderName = name.parse().expect("a header's name");
        headers.append(name, HeaderValue::from_str(value).expect("a header's value"));
    }
    let length =
        headers.get("content-length").map_or(0, |value| value.to_str().expect("text").parse().expect("a number"));
    let body = bytes.get(end + 4..end + 4 + length)?.to_vec();
    Some((Answer { status, headers, body }, end + 4 + length))
}
