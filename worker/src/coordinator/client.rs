//! The calls.

use super::CallError;
use crate::{config::Credentials, measures};
use heim_common::{
    JobId, Millis, RoomName, Trace,
    job::Verdict,
    trace::HEADER_TRACE,
    wire::{
        Account, ClaimReply, ClaimRequest, FenceRequest, FinishRequest, HEADER_FENCE, HEADER_JOB, HEADER_VERSION,
        LeaseReply, TranscodedHook, VERSION, WorkerOrders, WorkerReport,
    },
};
use reqwest::{Client, RequestBuilder, Response, Url, header, redirect};
use serde::{Serialize, de::DeserializeOwned};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call may take, connection and answer included.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than any server keeps an idle connection, so that no call is sent
/// down one that is just being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A held job: goes with every call about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// Which job.
    pub job: JobId,
    /// Which claim of it.
    pub fence: i64,
    /// The request that it is done for.
    pub trace: Option<Trace>,
}

impl Fence {
    /// Says for which request a call is made.
    fn traced(self, call: RequestBuilder) -> RequestBuilder {
        match self.trace {
            Some(trace) => call.header(HEADER_TRACE, trace.to_string()),
            None => call,
        }
    }
}

/// A coordinator, with a pool of connections to it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Coordinator {
    http: Client,
    base: String,
    credentials: Credentials,
}

impl Coordinator {
    /// Connects to nothing yet. Redirects are not followed and no proxy is
    /// asked, since the credentials are for this coordinator alone.
    ///
    /// # Errors
    /// If the system's TLS certificates cannot be used.
    pub fn new(address: &Url, credentials: Credentials) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, base: address.as_str().trim_end_matches('/').to_owned(), credentials })
    }

    /// What it says of itself, ready or not, and which second it is there, if it says:
    /// `GET /readyz`.
    ///
    /// # Errors
    /// If it does not answer, or something else does.
    pub async fn readiness(&self) -> Result<(serde_json::Value, Option<Millis>), CallError> {
        let call = self.http.get(format!("{}/readyz", self.base));
        let answer = call.send().await.map_err(|error| CallError::Unreachable(error.without_url()))?;
        let date =
            answer.headers().get(header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let since = date.and_then(|date| date.duration_since(SystemTime::UNIX_EPOCH).ok());
        let second = since.and_then(|since| i64::try_from(since.as_millis()).ok()).map(Millis);
        Ok((parse(answer).await?, second))
    }

    /// Takes a job.
    ///
    /// # Errors
    /// [`CallError::NotYours`] and [`CallError::Gone`] mean: forget it;
    /// [`CallError::Foreign`]: hand it back.
    pub async fn claim(&self, job: JobId, request: &ClaimRequest) -> Result<ClaimReply, CallError> {
        noted("claim", self.ask_for(job, request).await)
    }

    async fn ask_for(&self, job: JobId, request: &ClaimRequest) -> Result<ClaimReply, CallError> {
        let body = read(send(self.post(&format!("/store/jobs/{job}/claim"), request)).await?).await?;
        serde_json::from_slice(&body).map_err(|_| match serde_json::from_slice::<FenceRequest>(&body) {
            Ok(FenceRequest { fence }) => CallError::Foreign(fence),
            Err(_) => CallError::Unreadable,
        })
    }

    /// Holds a job for longer, and waits no longer than `timeout` to hear so.
    ///
    /// # Errors
    /// [`CallError::LeaseLost`] means: drop it.
    pub async fn heartbeat(&self, held: Fence, timeout: Duration) -> Result<LeaseReply, CallError> {
        let request = FenceRequest { fence: held.fence };
        let call = self.post(&format!("/store/jobs/{}/heartbeat", held.job), &request).timeout(timeout);
        let answered = async { parse(send(held.traced(call)).await?).await };
        noted("heartbeat", answered.await)
    }

    /// Ends an attempt.
    ///
    /// # Errors
    /// [`CallError::LeaseLost`] means: somebody else decides.
    pub async fn finish(&self, held: Fence, verdict: Verdict, account: &Account) -> Result<(), CallError> {
        let request = FinishRequest { fence: held.fence, verdict, account: account.clone() };
        let call = self.post(&format!("/store/jobs/{}/finish", held.job), &request);
        noted("finish", send(held.traced(call)).await.map(drop))
    }

    /// Says how this worker is, and hears what is wanted of it.
    ///
    /// # Errors
    /// [`CallError::Gone`]: the coordinator does not know this call.
    pub async fn report(&self, report: &WorkerReport) -> Result<WorkerOrders, CallError> {
        parse(send(self.post("/store/workers", report)).await?).await
    }

    /// Registers a transcoding that is stored: the hook `transcoded`.
    ///
    /// # Errors
    /// [`CallError::LeaseLost`] means: nothing was registered, drop the job.
    pub async fn register(&self, held: Fence, room: &RoomName, hook: &TranscodedHook) -> Result<(), CallError> {
        let call = self
            .post(&format!("/room/{room}/media"), hook)
            .header(HEADER_JOB, held.job.to_string())
            .header(HEADER_FENCE, held.fence);
        noted("register", send(held.traced(call)).await.map(drop))
    }

    fn post(&self, path: &str, body: &impl Serialize) -> RequestBuilder {
        let url = format!("{}{path}", self.base);
        let call = self.http.post(url).basic_auth(&self.credentials.key, Some(self.credentials.secret.expose()));
        call.header(HEADER_VERSION, VERSION).json(body)
    }
}

/// Counts a call that failed.
fn noted<T>(call: &'static str, answered: Result<T, CallError>) -> Result<T, CallError> {
    answered.inspect_err(|error| measures::call_failed(call, error))
}

async fn send(call: RequestBuilder) -> Result<Response, CallError> {
    // The URL holds ids only, but an error's text has no need of it.
    let answer = call.send().await.map_err(|error| CallError::Unreachable(error.without_url()))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let body = read(answer).await.unwrap_or_default();
    Err(CallError::from_answer(status, &body))
}

async fn parse<T: DeserializeOwned>(answer: Response) -> Result<T, CallError> {
    serde_json::from_slice(&read(answer).await?).map_err(|_| CallError::Unreadable)
}

/// Reads an answer into memory that is wiped: a claim's holds a secret.
async fn read(mut answer: Response) -> Result<Zeroizing<Vec<u8>>, CallError> {
    // As large as announced, because a buffer that grows leaves behind what was
    // in the smaller one.
    let announced = answer.content_length().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or_default();
    let mut body = Zeroizing::new(Vec::with_capacity(announced.min(ANSWER_BYTES_MAX)));
    while let Some(chunk) = answer.chunk().await.map_err(|error| CallError::Unreachable(error.without_url()))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(CallError::Unreadable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
