//! Everything that a Redis is told, as bytes in a file.

use heim_tests::until::within;
use std::path::PathBuf;
use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinHandle,
};

/// Writes down what comes, until the flag.
pub(super) struct Monitor {
    url: String,
    writing: Option<JoinHandle<()>>,
}

const FLAG: &str = "the-end-of-the-test";

async fn connected(url: &str) -> TcpStream {
    TcpStream::connect(url.strip_prefix("redis://").expect("a URL")).await.expect("Redis listens")
}

impl Monitor {
    pub(super) async fn start(url: &str, file: PathBuf) -> Self {
        let mut stream = connected(url).await;
        stream.write_all(b"MONITOR\r\n").await.expect("Redis talks");
        let (mut lines, mut file) = (BufReader::new(stream), File::create(file).await.expect("Redis talks"));
        let mut line = String::new();
        lines.read_line(&mut line).await.expect("Redis talks");
        assert_eq!(line, "+OK\r\n");
        let writing = tokio::spawn(async move {
            while !line.contains(FLAG) {
                line.clear();
                lines.read_line(&mut line).await.expect("Redis talks");
                file.write_all(&unescaped(&line)).await.expect("Redis talks");
            }
            file.flush().await.expect("Redis talks");
        });
        Self { url: url.to_owned(), writing: Some(writing) }
    }

    /// Returns when all that was told is in the file.
    pub(super) async fn stop(&mut self) {
        connected(&self.url).await.write_all(format!("PING {FLAG}\r\n").as_bytes()).await.expect("Redis talks");
        within("the file is written", self.writing.take().expect("once")).await.expect("Redis talks");
    }
}

/// What Redis was told, where it shows `\"`, `\\` or `\xff`.
fn unescaped(line: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), line.as_bytes());
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.strip_prefix(b"x").and_then(|digits| digits.get(..2));
        let digits = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        let (meant, behind) = match (byte, behind, digits) {
            (b'\\', _, Some(meant)) => (meant, &behind[3..]),
            (b'\\', [meant, ..], None) => (*meant, &behind[1..]),
            _ => (byte, behind),
        };
        bytes.push(meant);
        rest = behind;
    }
    bytes
}

/// A key of the server's configuration.
pub(super) async fn configured(url: &str, key: &str) -> String {
    let mut stream = connected(url).await;
    stream.write_all(format!("CONFIG GET {key}\r\nQUIT\r\n").as_bytes()).await.expect("Redis talks");
    let mut reply = String::new();
    within("Redis answers", stream.read_to_string(&mut reply)).await.expect("Redis talks");
    reply.lines().nth(4).unwrap_or_else(|| panic!("{key}: {reply}")).to_owned()
}

#[test]
fn what_redis_shows_is_what_it_was_told() {
    assert_eq!(unescaped(r#""a\"b\\c\xffd\x"#), b"\"a\"b\\c\xffdx");
}
