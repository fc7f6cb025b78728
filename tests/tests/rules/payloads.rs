//! What travels through Redis: ids and small words, never bytes, keys, secrets
//! or what people say.

use heim_common::{JobRef, MediaId, room_event::RoomEvent};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    sharing::finished,
    standalone::HOOKS,
    web::Web,
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

const MARKER: &str = "PLANTED-BY-A-TEST";
/// The longest payload that ids and a nick can make.
const PAYLOAD_BYTES_MAX: usize = 512;
/// All that coordinators and workers have to say to Redis.
const COMMANDS: [&str; 14] = [
    "hello",
    "client",
    "ping",
    "info",
    "config",
    "monitor",
    "rpush",
    "lpush",
    "blpop",
    "llen",
    "publish",
    "subscribe",
    "unsubscribe",
    "select",
];

/// Everything that Redis is told from now on.
struct Monitor(BufReader<TcpStream>);

impl Monitor {
    async fn start(url: &str) -> Self {
        let stream = TcpStream::connect(url.strip_prefix("redis://").expect("a URL")).await;
        let mut stream = stream.expect("Redis listens");
        stream.write_all(b"MONITOR\r\n").await.expect("Redis reads");
        let mut monitor = Self(BufReader::new(stream));
        assert_eq!(monitor.line().await, "+OK");
        monitor
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        heim_tests::until::within("Redis tells", self.0.read_line(&mut line)).await.expect("Redis tells");
        line.trim_end().to_owned()
    }

    /// The commands up to the flag.
    async fn until(&mut self, flag: &str) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        loop {
            let words = words(&self.line().await);
            if words.last().is_some_and(|word| word == flag) {
                return all;
            }
            all.push(words);
        }
    }
}

/// The quoted words of a line such as `+1.5 [0 127.0.0.1:1] "llen" "a"`.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line;
    while let Some(start) = rest.find('"') {
        let mut word = String::new();
        let mut characters = rest[start + 1..].char_indices();
        let end = loop {
            match characters.next() {
                Some((_, '\\')) => word.extend(characters.next().map(|(_, escaped)| escaped)),
                Some((end, '"')) => break end,
                Some((_, character)) => word.push(character),
                None => panic!("an open quote: {line}"),
            }
        };
        words.push(word);
        rest = &rest[start + 1 + end + 1..];
    }
    words
}

/// A photo with a comment in it.
fn marked_photo() -> Vec<u8> {
    let photo = corpus::read(corpus::PHOTO);
    let length = u16::try_from(MARKER.len() + 2).expect("it is short").to_be_bytes();
    [&photo[..2], &[0xff, 0xfe], &length, MARKER.as_bytes(), &photo[2..]].concat()
}

#[tokio::test]
async fn a_payload_in_redis_carries_ids_only() {
    let fleet = Fleet::start(2, 1).await;
    let mut monitor = Monitor::start(&fleet.redis.url()).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let ben = Client::enter(fleet.base(1), "welcome", Entrance::aware(), "ben").await;
    let handle = ana.upload_handle().await;
    ana.send(&format!("look at this: {MARKER}"), &[handle.id]).await;
    assert_eq!(Web::default().upload(&handle, marked_photo()).await.status, 201);
    for client in [&ana, &ben] {
        assert_eq!(finished(client, handle.id).await.transcodings.len(), 5);
    }
    assert_eq!(fleet.redis.command("PING the-end"), "$7");
    let told = monitor.until("the-end").await;

    let token = &handle.headers["Authorization"][0];
    for command in &told {
        assert!(COMMANDS.contains(&command[0].to_lowercase().as_str()), "{command:?}");
        for word in command {
            assert!(word.len() <= PAYLOAD_BYTES_MAX, "{command:?}");
            for secret in [MARKER, token, HOOKS.1, "http://", "original.", "webp", "look at"] {
                assert!(!word.contains(secret), "{secret}: {command:?}");
            }
        }
    }
    let of = |name: &str| told.iter().filter(|command| command[0].eq_ignore_ascii_case(name)).collect::<Vec<_>>();
    let pushed = of("rpush");
    assert!(!pushed.is_empty());
    for payload in pushed.iter().flat_map(|command| &command[2..]) {
        let value: Value = serde_json::from_str(payload).unwrap();
        assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "v"]);
        serde_json::from_value::<JobRef>(value).unwrap();
    }
    let published = of("publish");
    assert!(published.len() >= 8, "joins, nicks, a message, five transcodings");
    for command in &published {
        let event: RoomEvent = serde_json::from_str(&command[2]).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap(), serde_json::from_str::<Value>(&command[2]).unwrap());
    }
    let about = |id: MediaId| published.iter().filter(|command| command[2].contains(&id.to_string())).count();
    assert_eq!(about(handle.id), 5, "each transcoding is published once");
}

#[test]
fn quoted_words_are_read() {
    let line = r#"1.5 [0 127.0.0.1:1] "rpush" "a:b" "{\"v\":1,\"s\":\"a\\\\b\"}""#;
    assert_eq!(words(line), ["rpush", "a:b", r#"{"v":1,"s":"a\\b"}"#]);
}
