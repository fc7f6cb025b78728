//! A session whose client is as light as can be: it answers pings, notes when a
//! numbered packet comes, and keeps nothing. Thousands of them are to leave the
//! machine to the coordinators.

use crate::board::{Arrival, Board};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use heim_tests::{raw::authority, until::within};
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};
use tokio::{
    net::TcpStream,
    sync::{Mutex, oneshot},
    task::JoinHandle,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

type Connection = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Sink = Arc<Mutex<SplitSink<Connection, Message>>>;

/// What the text of a message and the name of a transcoding begin with that are
/// to be noted; a number follows.
pub(crate) const MARK: &str = "bench-";
/// Large packets are read in several steps.
const READ_BUFFER_BYTES: usize = 8 << 10;

/// A session.
#[derive(Debug)]
pub(crate) struct Socket {
    sink: Sink,
    reader: JoinHandle<()>,
}

impl Socket {
    /// Connects as a person whose client wants media events, and returns when
    /// the snapshot is there.
    pub(crate) async fn join(base: &str, room: &str, coordinator: usize, board: Arc<Board>) -> Self {
        let url = format!("ws://{}/room/{room}/ws?h=1&media=1", authority(base));
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
        let connecting = connect_async_with_config(url, Some(config), true);
        let connected = within("the handshake", connecting).await;
        let (connection, _) = connected.unwrap_or_else(|error| panic!("{room}: {error}"));
        let (sink, stream) = connection.split();
        let sink = Arc::new(Mutex::new(sink));
        let (tell, told) = oneshot::channel();
        let reader = tokio::spawn(read(stream, Arc::clone(&sink), coordinator, board, tell));
        within("the snapshot", told).await.expect("the coordinator closed the socket before its snapshot");
        Self { sink, reader }
    }

    /// Sends a command, and returns the instant before its frame was written.
    pub(crate) async fn command(&self, command: &str, data: Value) -> Instant {
        let packet = json!({ "type": command, "data": data }).to_string();
        let mut sink = self.sink.lock().await;
        let began = Instant::now();
        let sent = within("the coordinator reads", sink.send(Message::text(packet))).await;
        sent.unwrap_or_else(|error| panic!("{command}: {error}"));
        began
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(
    mut stream: SplitStream<Connection>,
    sink: Sink,
    coordinator: usize,
    board: Arc<Board>,
    joined: oneshot::Sender<()>,
) {
    let mut joined = Some(joined);
    while let Some(Ok(message)) = stream.next().await {
        let at = Instant::now();
        let Message::Text(text) = message else { continue };
        match kind(&text) {
            Some("send-event") => note(&board, number(&text, "\"content\":\""), at, coordinator),
            Some("media-upload-event") => note(&board, number(&text, "\"name\":\""), at, coordinator),
            Some("ping-event") => pong(&sink, &text).await,
            Some("snapshot-event") => drop(joined.take().map(|joined| joined.send(()))),
            _ => {}
        }
    }
    board.note_ended();
}

fn note(board: &Board, number: Option<usize>, at: Instant, coordinator: usize) {
    if let Some(number) = number {
        board.note(Arrival { number, at, coordinator });
    }
}

/// The type of an event. Coordinators write it first.
fn kind(text: &str) -> Option<&str> {
    text.strip_prefix("{\"type\":\"")?.split('"').next()
}

/// The number in the first string behind `field` that has one.
fn number(text: &str, field: &str) -> Option<usize> {
    let marked = text.split(field).skip(1).find_map(|rest| rest.strip_prefix(MARK))?;
    marked.split('"').next()?.parse().ok()
}

async fn pong(sink: &Sink, text: &str) {
    let ping: Value = serde_json::from_str(text).unwrap_or_default();
    let reply = json!({ "type": "ping-reply", "data": { "time": ping["data"]["time"] } });
    // A connection that is gone ends the reader by itself.
    let _ = sink.lock().await.send(Message::text(reply.to_string())).await;
}
