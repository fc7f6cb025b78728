//! A client of heim's socket protocol, as a page or a bot would be one.

use crate::{
    packets::{Ending, Packets, subject},
    raw::authority,
    until::within,
};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use heim_common::{
    MediaId,
    wire::{MediaEvent, MediaView, UploadHandle},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::{net::TcpStream, sync::Mutex, task::JoinHandle};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderMap},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Sink = SplitSink<Socket, Message>;

/// How a client comes to a room.
#[derive(Clone, Debug, Default)]
pub struct Entrance {
    /// `h=1`: a person, not a bot.
    pub human: bool,
    /// `media=1`: it wants media events.
    pub media: bool,
    /// The cookie of an agent that was here before.
    pub cookie: Option<String>,
    /// The site whose page it is.
    pub origin: Option<String>,
    /// The subprotocol that it offers.
    pub protocol: Option<String>,
    /// It does not answer pings.
    pub silent: bool,
}

impl Entrance {
    /// A person whose client wants media events.
    #[must_use]
    pub fn aware() -> Self {
        Self { human: true, media: true, ..Self::default() }
    }

    /// A client that has never heard of media.
    #[must_use]
    pub fn unaware() -> Self {
        Self::default()
    }
}

/// A connection that was refused.
#[derive(Debug)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The `code` of the problem in its body.
    pub code: String,
}

/// A session.
#[derive(Debug)]
pub struct Client {
    sink: Arc<Mutex<Sink>>,
    next_id: AtomicU64,
    reader: JoinHandle<()>,
    /// The headers of the handshake's answer.
    pub handshake: HeaderMap,
    /// All that was heard.
    pub heard: Arc<Packets>,
}

impl Client {
    /// Connects, and returns when the handshake is over.
    ///
    /// # Errors
    /// If the server answers with a status instead.
    pub async fn connect(base: &str, room: &str, entrance: Entrance) -> Result<Self, Refused> {
        match Self::try_connect(base, room, entrance).await {
            Ok(client) => Ok(client),
            Err(Some(refused)) => Err(refused),
            Err(None) => panic!("{room}: there is no server, or it hung up"),
        }
    }

    /// As [`Self::connect`], where there may be no server.
    ///
    /// # Errors
    /// If the server answers with a status instead; `None` if it does not answer.
    pub async fn try_connect(base: &str, room: &str, entrance: Entrance) -> Result<Self, Option<Refused>> {
        let Entrance { human, media, cookie, origin, protocol, silent } = entrance;
        let wishes = [(human, "h=1"), (media, "media=1")].into_iter().filter(|(wanted, _)| *wanted);
        let query = wishes.map(|(_, wish)| wish).collect::<Vec<_>>().join("&");
        let url = format!("ws://{}/room/{room}/ws?{query}", authority(base));
        let mut request = url.into_client_request().expect("rooms make good URLs");
        for (name, value) in [("cookie", cookie), ("origin", origin), ("sec-websocket-protocol", protocol)] {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse().expect("a header's value"));
            }
        }
        match within("the handshake", tokio_tungstenite::connect_async(request)).await {
            Ok((socket, response)) => Ok(Self::over(socket, response.headers().clone(), silent)),
            Err(tungstenite::Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let problem: Value = serde_json::from_slice(body).unwrap_or_default();
                let code = problem["code"].as_str().unwrap_or_default().to_owned();
                Err(Some(Refused { status: response.status().as_u16(), code }))
            }
            Err(_) => Err(None),
        }
    }

    fn over(socket: Socket, handshake: HeaderMap, silent: bool) -> Self {
        let (sink, stream) = socket.split();
        let (sink, heard) = (Arc::new(Mutex::new(sink)), Arc::new(Packets::default()));
        let answers = (!silent).then(|| Arc::clone(&sink));
        let reader = tokio::spawn(read(stream, Arc::clone(&heard), answers));
        Self { sink, next_id: AtomicU64::new(1), reader, handshake, heard }
    }

    /// Connects, and returns when the snapshot is there.
    pub async fn join(base: &str, room: &str, entrance: Entrance) -> Self {
        let client = Self::connect(base, room, entrance).await.unwrap_or_else(|refused| panic!("{refused:?}"));
        client.event("snapshot-event").await;
        client
    }

    /// As [`Self::join`], and chooses a nick.
    pub async fn enter(base: &str, room: &str, entrance: Entrance, nick: &str) -> Self {
        let client = Self::join(base, room, entrance).await;
        client.command("nick", json!({ "name": nick })).await;
        client
    }

    /// What the cookie of this agent is, for another connection of its.
    #[must_use]
    pub fn cookie(&self) -> String {
        let header = self.handshake.get("set-cookie").expect("every handshake sets the cookie");
        header.to_str().expect("a cookie is text").split(';').next().unwrap_or_default().to_owned()
    }

    /// Sends a frame as it is. False if the connection is gone.
    pub async fn frame(&self, message: Message) -> bool {
        within("the server reads", async { self.sink.lock().await.send(message).await.is_ok() }).await
    }

    /// Sends a text as it is.
    pub async fn text(&self, text: impl Into<String>) -> bool {
        self.frame(Message::text(text.into())).await
    }

    /// Sends a command and returns the whole reply.
    pub async fn ask(&self, command: &str, data: Value) -> Value {
        let reply = self.try_ask(command, data).await;
        reply.unwrap_or_else(|ended| panic!("the connection is gone ({ended:?}) before the reply to `{command}`"))
    }

    /// As [`Self::ask`], where the connection may end before.
    ///
    /// # Errors
    /// If it does.
    pub async fn try_ask(&self, command: &str, data: Value) -> Result<Value, Ending> {
        let id = format!("c{}", self.next_id.fetch_add(1, Ordering::Relaxed));
        let packet = json!({ "id": id, "type": command, "data": data });
        if !self.text(packet.to_string()).await {
            return Err(self.heard.ending().await);
        }
        let reply = self
            .heard
            .wait_for_or_end(&format!("the reply to `{command}`"), |heard| {
                heard.iter().rev().find(|heard| heard.packet["id"] == id).map(|heard| heard.packet.clone())
            })
            .await?;
        assert_eq!(reply["type"], format!("{command}-reply"), "{reply}");
        Ok(reply)
    }

    /// A command that is carried out: the reply's fields.
    pub async fn command(&self, command: &str, data: Value) -> Value {
        let mut reply = self.ask(command, data).await;
        assert!(reply.get("error").is_none(), "`{command}`: {reply}");
        reply["data"].take()
    }

    /// A command that is refused: why. heim's `data` is null then.
    pub async fn refused(&self, command: &str, data: Value) -> String {
        let reply = self.ask(command, data).await;
        assert!(reply.get("data").is_some_and(Value::is_null), "`{command}`: {reply}");
        reply["error"].as_str().unwrap_or_else(|| panic!("`{command}` was not refused: {reply}")).to_owned()
    }

    /// Waits for the first event of a type and returns its fields.
    pub async fn event(&self, kind: &str) -> Value {
        let first = |heard: &[crate::packets::Heard]| {
            heard.iter().find(|heard| heard.kind() == kind).map(|heard| heard.data().clone())
        };
        self.heard.wait_for(kind, first).await
    }

    /// Asks for an upload handle.
    pub async fn upload_handle(&self) -> UploadHandle {
        let handle = self.command("media-upload", json!({})).await;
        serde_json::from_value(handle).expect("an upload handle")
    }

    /// Asks for several.
    pub async fn upload_handles(&self, count: usize) -> Vec<UploadHandle> {
        let mut handles = Vec::new();
        for _ in 0..count {
            handles.push(self.upload_handle().await);
        }
        handles
    }

    /// Says something that shows these media objects.
    pub async fn send(&self, content: &str, attachments: &[MediaId]) -> Value {
        self.command("send", json!({ "content": content, "attachments": attachments })).await
    }

    /// The media object as it is now.
    pub async fn media(&self, id: MediaId) -> MediaView {
        let media = self.command("get-media", json!({ "id": id })).await;
        serde_json::from_value(media).expect("a media object")
    }

    /// Waits for the media event about one transcoding of an object.
    pub async fn media_event(&self, id: MediaId, name: &str) -> (Instant, MediaEvent) {
        self.heard
            .wait_for(&format!("the media event about {name}"), |heard| {
                let events = heard.iter().filter_map(|heard| Some((heard.at, heard.media_event()?)));
                events.into_iter().find(|(_, event)| subject(event) == (id, name))
            })
            .await
    }

    /// Leaves without a word.
    pub fn cut(self) {
        drop(self);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Notes what comes, and answers pings through `answers`.
async fn read(mut stream: SplitStream<Socket>, heard: Arc<Packets>, answers: Option<Arc<Mutex<Sink>>>) {
    let ending = loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => {
                let packet: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
                if let Some(sink) = &answers
                    && packet["type"] == "ping-event"
                {
                    let reply = json!({ "type": "ping-reply", "data": { "time": packet["data"]["time"] } });
                    // A connection that is gone ends this loop by itself.
                    let _ = sink.lock().await.send(Message::text(reply.to_string())).await;
                }
                heard.push(packet);
            }
            Some(Ok(Message::Pong(content))) => heard.push_pong(String::from_utf8_lossy(&content).into_owned()),
            Some(Ok(Message::Close(frame))) => {
                let code = frame.as_ref().map(|frame| frame.code.into());
                heard.say_farewell(frame.map(|frame| frame.reason.to_string()).unwrap_or_default());
                break Ending::Closed(code);
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => break Ending::Cut,
        }
    };
    heard.end(ending);
}
