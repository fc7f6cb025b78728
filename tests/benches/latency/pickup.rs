//! How long a job waits for an idle worker of a fleet: this process is the
//! worker, and claims without working.

use crate::table::Row;
use heim_common::{
    JobRef,
    job::{Reason, Verdict},
    wire::{Account, ClaimReply, ClaimRequest, FinishRequest},
};
use heim_queue::{Queue, QueueConfig};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    raw::{Raw, upload_head},
    standalone::HOOKS,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde::Serialize;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Uploads of one agent: more of them at once would be slowed down.
const UPLOADS_OF_AGENT: usize = 30;

/// A job in the hands of this worker.
struct Taken {
    popped: Instant,
    claimed: Instant,
}

/// From the last byte of an upload to the job in a worker's hands.
pub(crate) async fn measure(uploads: usize) -> Vec<Row> {
    let fleet = Fleet::start(1, 0).await;
    let config = QueueConfig { url: fleet.redis.url(), ..QueueConfig::default() };
    let queue = Queue::connect(&config).await.expect("Redis answers");
    let (tell, mut told) = mpsc::channel(uploads);
    let (web, base, stop) = (Web::default(), fleet.base(0).to_owned(), CancellationToken::new());
    let handler = move |job: JobRef| {
        let (web, base, tell, popped) = (web.clone(), base.clone(), tell.clone(), Instant::now());
        async move {
            if let Some(taken) = take(&web, &base, job, popped).await {
                // The measurement is over: nobody wants to know.
                let _ = tell.send(taken).await;
            }
        }
    };
    let working = tokio::spawn(heim_queue::work(queue, "bench".to_owned(), 1, stop.clone(), handler));
    let photo = corpus::read(corpus::SMALL);
    let (mut popped, mut claimed) = (Vec::new(), Vec::new());
    let mut client = None;
    for number in 0..uploads {
        if number % UPLOADS_OF_AGENT == 0 {
            client = Some(Client::enter(fleet.base(0), "pickup", Entrance::aware(), "uploader").await);
        }
        let last_byte = upload(client.as_ref().expect("there is one from the first on"), &photo).await;
        let taken: Taken = told.recv().await.expect("the worker works");
        popped.push(taken.popped - last_byte);
        claimed.push(taken.claimed - last_byte);
    }
    stop.cancel();
    working.await.expect("no panic").expect("the queue did not give up");
    let row = |what, waits| Row::new("fleet", 1, what, waits);
    vec![row("last byte → idle worker has the id", popped), row("last byte → idle worker has the claim", claimed)]
}

async fn upload(client: &Client, photo: &[u8]) -> Instant {
    let handle = client.upload_handle().await;
    let mut raw = Raw::connect(&handle.url).await;
    raw.write(upload_head(&handle, &[("Content-Length", &photo.len().to_string())])).await;
    let (most, end) = photo.split_at(photo.len() - 1);
    raw.write(most).await;
    let last_byte = Instant::now();
    raw.write(end).await;
    assert_eq!(raw.answer().await.expect("an answer").status, 201);
    last_byte
}

/// Claims a job, and gives it up at once so that it leaves nothing to do.
async fn take(web: &Web, base: &str, job: JobRef, popped: Instant) -> Option<Taken> {
    let claim = ClaimRequest { worker: "bench".to_owned(), engine: 1, nonce: None };
    let reply = call(web, format!("{base}/store/jobs/{}/claim", job.id), &claim).await;
    let claimed = Instant::now();
    let reply: ClaimReply = (reply.status == 200).then(|| serde_json::from_value(reply.json()).expect("a claim"))?;
    let finish = FinishRequest {
        fence: reply.fence,
        verdict: Verdict::Discard { reason: Reason::Internal },
        account: Account::default(),
    };
    let ended = call(web, format!("{base}/store/jobs/{}/finish", job.id), &finish).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    Some(Taken { popped, claimed })
}

async fn call(web: &Web, url: String, body: &impl Serialize) -> Answer {
    answer(web.request(Method::POST, &url).basic_auth(HOOKS.0, Some(HOOKS.1)).json(body)).await
}
