//! A worker without pixels: the loop of the real one, and the same calls. It
//! pops, claims, registers the one transcoding that is asked for, and finishes.

use crate::hands::TELL;
use heim_common::{
    JobRef,
    job::Verdict,
    wire::{Account, ClaimReply, ClaimRequest, FinishRequest, HEADER_FENCE, HEADER_JOB, TranscodedHook},
};
use heim_queue::{Queue, QueueConfig};
use heim_runtime::ready;
use heim_tests::{
    standalone::HOOKS,
    web::{Answer, Web, answer},
};
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Says that the process is to be a worker.
pub(crate) const ARGUMENT: &str = "worker";
const ENGINE: u32 = 1;

/// When jobs were handed in and begun.
type Done = Mutex<Vec<(f64, f64)>>;

struct Worker {
    web: Web,
    base: String,
    claim: ClaimRequest,
    done: Done,
}

/// Works until its standard input ends.
pub(crate) async fn work(redis: &str, base: &str) {
    let config = QueueConfig { url: redis.to_owned(), ..QueueConfig::default() };
    let queue = Queue::connect(&config).await.expect("Redis answers");
    let name = format!("bench-{}", std::process::id());
    let claim = ClaimRequest { worker: name.clone(), engine: ENGINE, nonce: None };
    let worker = Arc::new(Worker { web: Web::default(), base: base.to_owned(), claim, done: Done::default() });
    ready::print("ready\n");
    let mut orders = orders();
    if orders.recv().await.is_none() {
        return;
    }
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        while orders.recv().await.is_some() {}
        stopping.cancel();
    });
    tokio::spawn(tell(Arc::clone(&worker)));
    let handler = move |job| run(Arc::clone(&worker), job);
    heim_queue::work(queue, name, 1, stop, handler).await.expect("the queue does not give up");
}

/// The lines of standard input, until it ends.
fn orders() -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel(1);
    thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if tell.blocking_send(line).is_err() {
                return;
            }
        }
    });
    told
}

async fn run(worker: Arc<Worker>, job: JobRef) {
    let claimed = worker.call(&format!("/store/jobs/{}/claim", job.id), &worker.claim, |call| call).await;
    // Somebody else's, where the id came twice.
    if claimed.status != 200 {
        return;
    }
    let claim: ClaimReply = serde_json::from_value(claimed.json()).expect("a claim");
    let begun = now_ms();
    for transcoding in claim.transcodings {
        let hook = TranscodedHook {
            media_id: claim.media.id,
            name: transcoding.spec.name,
            content_type: transcoding.spec.content_type.content_type().to_owned(),
            size: 1,
            width: Some(1),
            height: Some(1),
            version: ENGINE,
            description: None,
        };
        let held = |call: RequestBuilder| {
            call.header(HEADER_JOB, job.id.to_string()).header(HEADER_FENCE, claim.fence.to_string())
        };
        let registered = worker.call(&format!("/room/{}/media", claim.media.room), &hook, held).await;
        assert!(registered.status < 300, "{registered:?}");
    }
    let finish = FinishRequest { fence: claim.fence, verdict: Verdict::Done, account: Account::default() };
    let ended = worker.call(&format!("/store/jobs/{}/finish", job.id), &finish, |call| call).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    // A job's id is made when its transaction begins, and knows the millisecond.
    let handed = ms(u64::try_from(job.id.0.created().0).unwrap_or_default());
    worker.done.lock().unwrap_or_else(PoisonError::into_inner).push((handed, begun));
}

impl Worker {
    async fn call(
        &self,
        path: &str,
        body: &impl Serialize,
        more: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let call = self.web.request(Method::POST, &format!("{}{path}", self.base));
        answer(more(call.basic_auth(HOOKS.0, Some(HOOKS.1)).json(body))).await
    }
}

/// Tells of what was done, in a line now and then.
async fn tell(worker: Arc<Worker>) {
    let mut ticks = tokio::time::interval(TELL);
    loop {
        ticks.tick().await;
        let done = std::mem::take(&mut *worker.done.lock().unwrap_or_else(PoisonError::into_inner));
        if !done.is_empty() {
            ready::print(&format!("{}\n", serde_json::to_string(&done).expect("numbers have a form in JSON")));
        }
    }
}

fn now_ms() -> f64 {
    #[expect(clippy::disallowed_methods, reason = "what is measured is the time")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs_f64() * 1e3
}

fn ms(millis: u64) -> f64 {
    Duration::from_millis(millis).as_secs_f64() * 1e3
}
