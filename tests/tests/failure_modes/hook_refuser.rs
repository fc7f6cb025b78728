//! A coordinator that takes every call but hooks, which it answers with 500 and
//! 503 in turn: a server before the real one, one request a connection.

use heim_tests::raw::authority;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub(crate) struct HookRefuser {
    /// Where it is.
    pub(crate) base: String,
    state: Arc<State>,
    server: JoinHandle<()>,
}

struct State {
    behind: String,
    refused: AtomicUsize,
    relents: AtomicBool,
}

impl HookRefuser {
    pub(crate) async fn before(base: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let here = format!("http://{}", listener.local_addr().expect("it is bound"));
        let behind = authority(base).to_owned();
        let state = Arc::new(State { behind, refused: AtomicUsize::new(0), relents: AtomicBool::new(false) });
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, Arc::clone(&shared)));
            }
        });
        Self { base: here, state, server }
    }

    /// How many hooks it has refused.
    pub(crate) fn refused(&self) -> usize {
        self.state.refused.load(Ordering::Relaxed)
    }

    /// Takes hooks from now on.
    pub(crate) fn relent(&self) {
        self.state.relents.store(true, Ordering::Relaxed);
    }
}

impl Drop for HookRefuser {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Answers one request, or passes it on; what breaks ends the connection.
async fn serve(mut client: TcpStream, state: Arc<State>) -> Option<()> {
    let (head, body) = request(&mut client).await?;
    if head.starts_with("POST /room/") && !state.relents.load(Ordering::Relaxed) {
        let number = state.refused.fetch_add(1, Ordering::Relaxed);
        let status = ["500 Internal Server Error", "503 Service Unavailable"][number % 2];
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        client.write_all(answer.as_bytes()).await.ok()?;
        return client.shutdown().await.ok();
    }
    let mut server = TcpStream::connect(&state.behind).await.ok()?;
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(head.as_bytes()).await.ok()?;
    server.write_all(&body).await.ok()?;
    tokio::io::copy(&mut server, &mut client).await.ok()?;
    client.shutdown().await.ok()
}

/// The head, with the empty line, and the body.
async fn request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end + 4].to_vec()).ok()?;
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
            });
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return Some((head, bytes.split_off(end + 4)));
            }
        }
        if client.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
