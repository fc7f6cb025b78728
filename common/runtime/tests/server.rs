//! The deadlines of the accept loop, against real sockets.

use bytes::Bytes;
use heim_runtime::{
    Shutdown,
    body::{BodyDeadlines, BodyError, DeadlineBody},
    server::{self, ServerLimits},
};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::{Instant, Sleep, sleep, timeout},
};

const DEADLINE: Duration = Duration::from_millis(300);
/// How long a test waits for what must happen within a few deadlines.
const BOUND: Duration = Duration::from_secs(10);

/// Of the answer at `/large`.
const LARGE: usize = 50 << 20;
/// What must be read of it within a deadline.
const STEP: usize = 64 << 10;

/// Answers with the number of bytes of the body, or with `slow` or `broken`; two
/// paths have answers of their own.
async fn count(request: Request<DeadlineBody>) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    let answer = match request.uri().path() {
        "/large" => return Ok(Response::new(Large(LARGE).boxed_unsync())),
        "/quiet" => return Ok(Response::new(Quiet::default().boxed_unsync())),
        _ => match request.into_body().collect().await {
            Ok(body) => body.to_bytes().len().to_string().into(),
            Err(BodyError::TooSlow) => "slow".into(),
            Err(BodyError::Broken(_)) => "broken".into(),
        },
    };
    Ok(Response::new(Full::new(answer).boxed_unsync()))
}

/// So many bytes, as a store brings them.
#[derive(Debug)]
struct Large(usize);

impl Body for Large {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = vec![b'x'; self.0.min(8 << 10)];
        self.0 -= chunk.len();
        Poll::Ready((!chunk.is_empty()).then(|| Ok(Frame::data(chunk.into()))))
    }
}

/// Says `one`, nothing for many deadlines, then `two`.
#[derive(Debug, Default)]
struct Quiet {
    pause: Option<Pin<Box<Sleep>>>,
    is_over: bool,
}

impl Body for Quiet {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let word = if self.is_over {
            return Poll::Ready(None);
        } else if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.is_over = true;
            "two"
        } else {
            self.pause = Some(Box::pin(sleep(DEADLINE * 5)));
            "one"
        };
        Poll::Ready(Some(Ok(Frame::data(word.into()))))
    }
}

async fn start(connections: usize) -> (SocketAddr, Shutdown) {
    start_with(connections, 0, DEADLINE).await
}

async fn start_with(connections: usize, connections_per_ip: usize, deadline: Duration) -> (SocketAddr, Shutdown) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let body = BodyDeadlines { idle: deadline, total: deadline * 4, rate_min: 1_000 };
    let limits = ServerLimits {
        header: deadline,
        body,
        write: deadline,
        connections,
        connections_per_ip,
        proxies: Arc::default(),
    };
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
            () = sleep(DEADLINE / 10) => writer.write_all(b"1").await.unwrap(),
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

/// Asks for it from a kernel that takes in little by itself.
async fn download(address: SocketAddr, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(8 << 10).expect("a small buffer");
    let mut stream = socket.connect(address).await.expect("it listens");
    let head = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("it reads");
    stream
}

#[tokio::test]
async fn an_answer_that_is_read_a_byte_at_a_time_is_closed() {
    let (address, _shutdown) = start_with(1, 0, DEADLINE).await;
    let mut slow = download(address, "/large").await;
    slow.read_u8().await.expect("it is answered");
    let trickle = async {
        loop {
            sleep(DEADLINE / 10).await;
            slow.read_u8().await.expect("there is more than is ever read");
        }
    };
    // What is on its way to the peer hides from it that it was closed. Its place does not.
    let given_back = async { while !ask(address).await.ends_with('0') {} };
    tokio::select! {
        () = trickle => {}
        given_back = timeout(BOUND, given_back) => given_back.expect("its place is given back"),
    }
}

#[tokio::test]
async fn an_answer_that_is_read_slowly_but_not_too_slowly_comes_to_its_end() {
    let deadline = DEADLINE * 10;
    let (address, _shutdown) = start_with(1, 0, deadline).await;
    let mut slow = download(address, "/large").await;
    let (started, mut read, mut chunk) = (Instant::now(), 0, vec![0; 1 << 20]);
    // Long enough to be closed three times.
    while started.elapsed() < deadline * 3 {
        sleep(DEADLINE / 10).await;
        // Twice as fast as must be.
        let due = STEP as u128 * 2 * started.elapsed().as_millis() / deadline.as_millis();
        let due = usize::try_from(due).expect("a few steps");
        read += slow.read(&mut chunk[..due - read]).await.expect("it is open");
    }
    let rest = timeout(BOUND, slow.read_to_end(&mut Vec::new())).await.expect("it comes in time").expect("it is open");
    assert!(read + rest > LARGE, "{read} and {rest} of it");
}

#[tokio::test]
async fn an_answer_that_has_nothing_to_say_for_long_is_not_closed() {
    let (address, _shutdown) = start(10).await;
    let answer = until_closed(&mut download(address, "/quiet").await).await;
    assert!(answer.contains("one") && answer.contains("two"), "{answer}");
}

/// A connection in the middle of a request: nobody takes its place.
async fn busy(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let head = "PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let mut asked = [0; 25];
    timeout(BOUND, stream.read_exact(&mut asked)).await.expect("it answers in time").expect("it is open");
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

async fn ask(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    until_closed(&mut stream).await
}

#[tokio::test]
async fn who_is_silent_makes_room() {
    let (address, _shutdown) = start_with(2, 0, BOUND).await;
    let mut longest = TcpStream::connect(address).await.unwrap();
    let _other = TcpStream::connect(address).await.unwrap();
    assert!(ask(address).await.ends_with("\r\n\r\n0"), "at once, and not when their deadlines pass");
    assert_eq!(until_closed(&mut longest).await, "");
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_a_place_is_given_back() {
    let (address, _shutdown) = start_with(1, 0, BOUND).await;
    let mut first = busy(address).await;
    let refused = ask(address).await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("Retry-After: 1\r\n"), "{refused}");
    first.write_all(b"12345").await.unwrap();
    assert!(until_closed(&mut first).await.ends_with("\r\n\r\n5"));
    timeout(BOUND, async { while !ask(address).await.ends_with('0') {} }).await.expect("the place is given back");
}

#[tokio::test]
async fn one_connection_of_an_address_too_many_is_told_so() {
    let (address, _shutdown) = start_with(100, 2, BOUND).await;
    let silent = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
    let refused = ask(address).await;
    assert!(refused.starts_with("HTTP/1.1 429 ") && refused.contains("too-many-connections"), "{refused}");
    let elsewhere = TcpSocket::new_v4().unwrap();
    elsewhere.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut stream = elsewhere.connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(until_closed(&mut stream).await.ends_with('0'), "another address has seats of its own");
    drop(silent);
    timeout(BOUND, async { while !ask(address).await.ends_with('0') {} }).await.expect("the seats are given back");
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
