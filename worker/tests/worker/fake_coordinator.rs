//! A coordinator that does as it is told and remembers what it was asked.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use heim_common::{
    job::Verdict,
    wire::{ClaimReply, FinishRequest, TranscodedHook},
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, sync::RwLock, task::JoinHandle};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// `claim`, `heartbeat`, `finish` or `register`.
    pub(crate) kind: String,
    /// The job's id, or the room.
    pub(crate) of: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// Answers to the calls of one kind: these first, then the last for ever; 200
/// where nothing is said.
#[derive(Debug, Default)]
struct Script {
    first: VecDeque<(u16, &'static str)>,
    then: Option<(u16, &'static str)>,
}

#[derive(Debug)]
pub(crate) struct FakeCoordinator {
    pub(crate) address: SocketAddr,
    claim: Mutex<ClaimReply>,
    /// What its claims say instead: the words of another release.
    pub(crate) foreign: Mutex<Option<Value>>,
    calls: Mutex<Vec<Call>>,
    scripts: Mutex<HashMap<&'static str, Script>>,
    server: Mutex<Option<JoinHandle<()>>>,
    /// Whoever holds it for writing holds up every answer.
    pub(crate) gate: RwLock<()>,
}

impl FakeCoordinator {
    /// Listens on a port of its own and gives out one job.
    pub(crate) async fn start(claim: ClaimReply) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            claim: Mutex::new(claim),
            foreign: Mutex::default(),
            calls: Mutex::default(),
            scripts: Mutex::default(),
            server: Mutex::default(),
            gate: RwLock::default(),
        });
        let router = Router::new()
            .route("/store/jobs/{job}/{call}", post(job_call))
            .route("/room/{room}/media", post(register))
            .with_state(Arc::clone(&fake));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        *fake.server.lock().unwrap() = Some(server);
        fake
    }

    /// Goes away: connections are refused from now on.
    pub(crate) async fn go_away(&self) {
        let server = self.server.lock().unwrap().take().unwrap();
        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
    }

    /// From now on, calls of this kind are answered so.
    pub(crate) fn answer(&self, kind: &'static str, first: &[(u16, &'static str)], then: Option<(u16, &'static str)>) {
        self.scripts.lock().unwrap().insert(kind, Script { first: first.iter().copied().collect(), then });
    }

    /// The calls of a kind so far.
    pub(crate) fn calls(&self, kind: &str) -> Vec<Call> {
        self.calls.lock().unwrap().iter().filter(|call| call.kind == kind).cloned().collect()
    }

    /// What was registered or tried to be, in order.
    pub(crate) fn hooks(&self) -> Vec<TranscodedHook> {
        self.calls("register").into_iter().map(|call| serde_json::from_value(call.body).unwrap()).collect()
    }

    /// How the job was finished, each time that it was.
    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |call: Call| serde_json::from_value::<FinishRequest>(call.body).unwrap().verdict;
        self.calls("finish").into_iter().map(verdict).collect()
    }

    async fn take(&self, call: Call) -> Response {
        let kind = call.kind.clone();
        self.calls.lock().unwrap().push(call);
        let _open = self.gate.read().await;
        let answer = match self.scripts.lock().unwrap().get_mut(kind.as_str()) {
            Some(script) => script.first.pop_front().or(script.then).unwrap_or((200, "")),
            None => (200, ""),
        };
        match (answer, kind.as_str()) {
            ((200, _), "claim") => match &*self.foreign.lock().unwrap() {
                Some(foreign) => Json(foreign).into_response(),
                None => Json(self.claim.lock().unwrap().clone()).into_response(),
            },
            ((200, _), "heartbeat") => Json(json!({"lease_ms": self.claim.lock().unwrap().lease_ms})).into_response(),
            ((200, _), _) => StatusCode::OK.into_response(),
            ((status, code), _) => (StatusCode::from_u16(status).unwrap(), Json(json!({"code": code}))).into_response(),
        }
    }
}

async fn job_call(
    State(fake): State<Arc<FakeCoordinator>>,
    Path((of, kind)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    fake.take(Call { kind, of, headers, body }).await
}

async fn register(
    State(fake): State<Arc<FakeCoordinator>>,
    Path(of): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    fake.take(Call { kind: "register".to_owned(), of, headers, body }).await
}
