//! The answer to a connection for which there is no place: before its request is
//! read, and without waiting for it.

use crate::crowd::Crowded;
use heim_common::problem::{CONTENT_TYPE, Code, Problem};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    time::timeout,
};

/// Connections that may read their refusal at a time; others are just closed.
const READERS_MAX: usize = 64;
/// How long one may take for it.
const READING: Duration = Duration::from_secs(1);
/// Seconds after which it is worth coming again.
const RETRY_AFTER: u32 = 1;

/// Refuses connections.
#[derive(Clone, Debug)]
pub(crate) struct Refusals(Arc<Semaphore>);

impl Default for Refusals {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(READERS_MAX)))
    }
}

impl From<Crowded> for Code {
    fn from(crowded: Crowded) -> Self {
        match crowded {
            Crowded::All => Self::Unavailable,
            Crowded::Address => Self::TooManyConnections,
        }
    }
}

impl Refusals {
    /// Says that all places are taken, and closes at once.
    pub(crate) fn dismiss(stream: &TcpStream) {
        // Whoever cannot take so little now is not told.
        let _ = stream.try_write(answer(Code::Unavailable).as_bytes());
    }

    /// Says why, and closes.
    pub(crate) fn refuse(&self, mut stream: TcpStream, crowded: Crowded) {
        let Ok(place) = Arc::clone(&self.0).try_acquire_owned() else { return };
        tokio::spawn(timeout(READING, async move {
            let _place = place;
            stream.write_all(answer(crowded.into()).as_bytes()).await?;
            stream.shutdown().await?;
            // What is closed with unread bytes is reset, and the answer lost.
            let mut thrown_away = [0; 1024];
            while stream.read(&mut thrown_away).await? > 0 {}
            std::io::Result::Ok(())
        }));
    }
}

fn answer(code: Code) -> String {
    let body = serde_json::to_string(&Problem::new(code, None)).unwrap_or_default();
    let status = http::StatusCode::from_u16(code.status()).unwrap_or(http::StatusCode::SERVICE_UNAVAILABLE);
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Retry-After: {RETRY_AFTER}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_when_to_come_again() {
        let text = answer(Crowded::Address.into());
        assert!(text.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{text}");
        assert!(
            text.contains("\r\nRetry-After: 1\r\n") && text.contains("\"code\":\"too-many-connections\""),
            "{text}"
        );
        assert!(answer(Crowded::All.into()).starts_with("HTTP/1.1 503 "));
    }
}
