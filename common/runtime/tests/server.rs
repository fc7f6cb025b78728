//! The deadlines of the accept loop, against real sockets.

use bytes::Bytes;
use heim_runtime::{
    Shutdown,
    body::{BodyDeadlines, BodyError, DeadlineBody},
    server::{self, ServerLimits},
};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use std::{convert::Infallible, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

const DEADLINE: Duration = Duration::from_millis(300);
/// How long a test waits for what must happen within a few deadlines.
const BOUND: Duration = Duration::from_secs(10);

/// Answers with the number of bytes of the body, or with `slow` or `broken`.
async fn count(request: Request<DeadlineBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let answer = match request.into_body().collect().await {
        Ok(body) => body.to_bytes().len().to_string(),
        Err(BodyError::TooSlow) => "slow".to_owned(),
        Err(BodyError::Broken(_)) => "broken".to_owned(),
    };
    Ok(Response::new(Full::new(answer.into())))
}

async fn start(connections: usize) -> (SocketAddr, Shutdown) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let body = BodyDeadlines { idle: DEADLINE, total: DEADLINE * 4, rate_min: 1_000 };
    let limits = ServerLimits { header: DEADLINE, body, write: DEADLINE, connections };
    let shutdown = Shutdown::new();
    tokio::spawn(server::run(listener, tower::service_fn(count), limits, shutdown.clone()));
    (address, shutdown)
}

/// Everything until the server closes.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is a close, too.
    let _ = timeout(BOUND, stream.read_to_end(&mut answer)).await.expect("the server closes in time");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn five_hundred_silent_sockets_are_closed() {
    let (address, _shutdown) = start(10_000).await;
    let mut silent = Vec::new();
    for _ in 0..500 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let started = Instant::now();
    for stream in &mut silent {
        assert_eq!(until_closed(stream).await, "");
    }
    assert!(started.elapsed() < DEADLINE * 10, "{:?}", started.elapsed());
}

#[tokio::test]
async fn half_a_header_and_an_idle_connection_are_closed() {
    let (address, _shutdown) = start(10).await;
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nX-Slow").await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    until_closed(&mut half).await;
    let answer = until_closed(&mut idle).await;
    assert!(answer.ends_with("\r\n\r\n0"), "{answer}");
}

#[tokio::test]
async fn a_body_that_stands_still_is_told_so() {
    let (address, _shutdown) = start(10).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n12345").await.unwrap();
    assert!(until_closed(&mut stream).await.ends_with("slow"));
}

#[tokio::test]
async fn a_body_that_trickles_is_told_so() {
    let (address, _shutdown) = start(10).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n").await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut answer = [0; 1024];
    let started = Instant::now();
    let length = loop {
        tokio::select! {
            read = reader.read(&mut answer) => break read.unwrap(),
            () = tokio::time::sleep(DEADLINE / 10) => writer.write_all(b"1").await.unwrap(),
        }
        assert!(started.elapsed() < BOUND);
    };
    assert!(String::from_utf8_lossy(&answer[..length]).ends_with("slow"));
}

#[tokio::test]
async fn a_cut_body_is_broken_and_a_whole_one_is_whole() {
    let (address, _shutdown) = start(10).await;
    let mut cut = TcpStream::connect(address).await.unwrap();
    cut.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n12345").await.unwrap();
    cut.shutdown().await.unwrap();
    assert!(!until_closed(&mut cut).await.ends_with('5'));
    let mut whole = TcpStream::connect(address).await.unwrap();
    whole.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345").await.unwrap();
    assert!(until_closed(&mut whole).await.ends_with("\r\n\r\n5"));
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_a_place_is_given_back() {
    let (address, _shutdown) = start(1).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let mut byte = [0; 1];
    first.read_exact(&mut byte).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    assert_eq!(until_closed(&mut second).await, "");
    until_closed(&mut first).await;
    timeout(BOUND, async {
        // The place is free once the server has seen the end of the first.
        loop {
            let mut third = TcpStream::connect(address).await.unwrap();
            let _ = third.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
            if until_closed(&mut third).await.ends_with('0') {
                break;
            }
        }
    })
    .await
    .expect("the place is given back");
}

#[tokio::test]
async fn a_soft_stop_lets_a_request_finish() {
    let (address, shutdown) = start(10).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12").await.unwrap();
    // The server has taken the connection once another one is answered.
    let mut probe = TcpStream::connect(address).await.unwrap();
    probe.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap();
    until_closed(&mut probe).await;
    shutdown.soft.cancel();
    stream.write_all(b"345").await.unwrap();
    assert!(until_closed(&mut stream).await.ends_with("\r\n\r\n5"));
}
