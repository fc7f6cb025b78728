//! The fences under which workers hold jobs.

use super::{alteration::flipped, attempt::Attempt};
use crate::base64::base64;
use heim_common::{
    JobId, MediaId,
    wire::{ClaimReply, HEADER_FENCE, HEADER_JOB},
};
use heim_tests::{
    standalone::{HOOKS, Standalone},
    truth,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::{Value, json};

/// A job that this test holds as a worker would.
pub(super) struct Held {
    job: JobId,
    media: MediaId,
    fence: i64,
}

async fn call(base: &str, job: JobId, verb: &str, body: Value) -> Answer {
    let url = format!("{base}/store/jobs/{job}/{verb}");
    answer(Web::default().request(Method::POST, &url).basic_auth(HOOKS.0, Some(HOOKS.1)).json(&body)).await
}

impl Held {
    /// Claims every job there is, the first of them most often.
    pub(super) async fn all(heim: &Standalone) -> Vec<Self> {
        let rows = truth::rows(&heim.database().await).await;
        let ids = rows.lines().filter_map(|line| line.strip_prefix("job ")?.split(' ').next()?.parse().ok());
        let jobs: Vec<_> = ids.map(JobId::from_i64).collect();
        let mut all = Vec::new();
        for (place, job) in jobs.iter().copied().enumerate() {
            for _ in place..jobs.len() - 1 {
                let Self { fence, .. } = Self::claim(heim.base(), job).await;
                let snoozed =
                    call(heim.base(), job, "finish", json!({ "fence": fence, "verdict": "snooze", "after_ms": 0 }));
                assert_eq!(snoozed.await.status, 200);
            }
            all.push(Self::claim(heim.base(), job).await);
        }
        all
    }

    async fn claim(base: &str, job: JobId) -> Self {
        let claimed = call(base, job, "claim", json!({ "worker": "a test", "engine": 1 })).await;
        assert_eq!(claimed.status, 200, "{claimed:?}");
        let claim: ClaimReply = serde_json::from_slice(&claimed.body).expect("a claim");
        assert!(claim.secret.is_some() && claim.media.sha256.is_none(), "it is private");
        Self { job, media: claim.media.id, fence: claim.fence }
    }

    /// Whether it is still held.
    pub(super) async fn is_held(&self, base: &str) -> bool {
        call(base, self.job, "heartbeat", json!({ "fence": self.fence })).await.status == 200
    }

    /// Gives it up for good.
    pub(super) async fn end(&self, base: &str) {
        let verdict = json!({ "fence": self.fence, "verdict": "discard", "reason": "damaged" });
        assert_eq!(call(base, self.job, "finish", verdict).await.status, 200);
    }

    fn hook(&self, what: &'static str, job: &[u8], fence: i64) -> Attempt {
        let body = json!({ "media_id": self.media, "name": "thumb-160", "content_type": "image/webp", "size": 1 });
        let head = format!("POST /room/vault/media HTTP/1.1\r\n{HEADER_FENCE}: {fence}\r\n{HEADER_JOB}: ");
        Attempt::new(what, &head, job, &rest("\r\n", &body))
    }
}

/// A call of a worker about a job.
fn call_of(what: &'static str, verb: &str, job: &[u8], fence: i64) -> Attempt {
    let body = match verb {
        "finish" => json!({ "fence": fence, "verdict": "discard", "reason": "damaged" }),
        _ => json!({ "fence": fence }),
    };
    Attempt::new(what, "POST /store/jobs/", job, &rest(&format!("/{verb} HTTP/1.1\r\n"), &body))
}

fn rest(line: &str, body: &Value) -> Vec<u8> {
    let (body, credentials) = (body.to_string(), base64(format!("{}:{}", HOOKS.0, HOOKS.1).as_bytes()));
    let length = body.len();
    format!(
        "{line}host: h\r\nauthorization: Basic {credentials}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into()
}

/// Every bit of every fence and of every job's id flipped, and all of them
/// swapped.
pub(super) fn fences(held: &[Held]) -> Vec<Attempt> {
    let mut all = Vec::new();
    for one in held {
        let job = one.job.to_string();
        let near = [one.fence - 1, one.fence + 1, 0, -one.fence, i64::MAX];
        let others = held.iter().map(|other| other.fence).filter(|&fence| fence != one.fence);
        for fence in (0..64).map(|bit| one.fence ^ 1 << bit).chain(near).chain(others) {
            all.extend(["heartbeat", "finish"].map(|verb| call_of("fence", verb, job.as_bytes(), fence)));
            all.push(one.hook("fence of a hook", job.as_bytes(), fence));
        }
        let others = held.iter().filter(|other| other.job != one.job).map(|other| other.job.to_string().into_bytes());
        for job in flipped(job.as_bytes()).chain(others) {
            all.extend(["heartbeat", "finish"].map(|verb| call_of("job", verb, &job, one.fence)));
            all.push(one.hook("job of a hook", &job, one.fence));
        }
    }
    all
}
