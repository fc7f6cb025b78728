//! Uploads, and how long each waits until its media object is ready: so many at a time, or
//! so many a second whatever becomes of them.

use crate::disk::Disk;
use heim_common::{MediaId, media::MediaState};
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    packets::{Heard, subject},
    sharing::state,
    spent::Spent,
    usage,
    web::Web,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep_until};

/// Uploads of one agent: more of them in a row would be slowed down.
const UPLOADS_OF_AGENT: usize = 30;
/// Agents that take turns where uploads come at a rate.
const AGENTS: usize = 16;

/// What was uploaded, what it took, and how long each waited.
pub(crate) struct Measured {
    pub(crate) uploads: usize,
    pub(crate) took: Duration,
    pub(crate) spent: Spent,
    /// CPU time of this process: the clients.
    pub(crate) clients: Duration,
    /// From when an upload was to begin until it was ready, in that order.
    pub(crate) waits: Vec<Duration>,
    /// The longest that the disk took meanwhile for a page that was forced to it.
    pub(crate) disk: Duration,
}

impl Measured {
    /// Uploads a second.
    pub(crate) fn rate(&self) -> f64 {
        count(self.uploads) / self.took.as_secs_f64()
    }

    /// Milliseconds of CPU time that each upload took of something.
    pub(crate) fn of_each(&self, spent: Duration) -> f64 {
        spent.as_secs_f64() * 1e3 / count(self.uploads)
    }

    /// By part; the clients last.
    pub(crate) fn parts(&self) -> Vec<(&'static str, f64)> {
        let parts = self.spent.parts().into_iter().chain([("clients", self.clients)]);
        parts.map(|(part, spent)| (part, self.of_each(spent))).collect()
    }

    /// How much of one core a part took while it was measured.
    pub(crate) fn share(&self, part: &str) -> f64 {
        let parts = self.spent.parts();
        let spent = parts.iter().find(|(found, _)| *found == part).map_or(Duration::ZERO, |(_, spent)| *spent);
        spent.as_secs_f64() / self.took.as_secs_f64()
    }
}

/// Of counts that are far below what a float holds.
pub(crate) fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// The wait that this share of all does not exceed, in milliseconds.
pub(crate) fn percentile(waits: &[Duration], percent: usize) -> f64 {
    let mut sorted = waits.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(place).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e3)
}

/// Where uploads go, and what they are.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) bases: Vec<String>,
    pub(crate) pictures: Arc<Vec<Vec<u8>>>,
}

impl Target {
    pub(crate) fn of(fleet: &Fleet, pictures: Vec<Vec<u8>>) -> Self {
        let bases = (0..fleet.coordinators.len()).map(|place| fleet.base(place).to_owned()).collect();
        Self { bases, pictures: Arc::new(pictures) }
    }

    fn picture(&self, number: usize) -> Vec<u8> {
        self.pictures[number % self.pictures.len()].clone()
    }

    async fn agent(&self, place: usize) -> Client {
        Client::join(&self.bases[place % self.bases.len()], &format!("room{place}"), Entrance::aware()).await
    }
}

/// Uploads so many, `at_once` at a time: the next when one is ready.
pub(crate) async fn at_once(fleet: &Fleet, target: &Target, uploads: usize, at_once: usize) -> Measured {
    let next = Arc::new(AtomicUsize::new(0));
    let meter = Meter::start(fleet).await;
    let mut running = JoinSet::new();
    for place in 0..at_once {
        let (target, next) = (target.clone(), Arc::clone(&next));
        running.spawn(async move {
            let (web, mut waits, mut agent) = (Web::default(), Vec::new(), None);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= uploads {
                    return waits;
                }
                if waits.len() % UPLOADS_OF_AGENT == 0 {
                    agent = Some(target.agent(place).await);
                }
                let began = Instant::now();
                upload(agent.as_ref().expect("there is one from the first on"), &web, target.picture(number)).await;
                waits.push(began.elapsed());
            }
        });
    }
    let mut waits = Vec::new();
    while let Some(ended) = running.join_next().await {
        waits.extend(ended.expect("every upload is accepted and gets ready"));
    }
    meter.end(fleet, waits).await
}

/// Uploads so many a second for that long, whatever becomes of them, and waits for the last.
pub(crate) async fn at_rate(fleet: &Fleet, target: &Target, a_second: f64, how_long: Duration) -> Measured {
    let every = Duration::from_secs_f64(1.0 / a_second);
    let (web, began, mut running) = (Web::default(), Instant::now(), JoinSet::new());
    let meter = Meter::start(fleet).await;
    let mut agents: Vec<Option<Arc<Client>>> = vec![None; AGENTS];
    let mut due = Duration::ZERO;
    for number in 0.. {
        if due >= how_long {
            break;
        }
        let at = began + due;
        sleep_until(at.into()).await;
        let agent = &mut agents[number % AGENTS];
        if (number / AGENTS).is_multiple_of(UPLOADS_OF_AGENT) {
            *agent = Some(Arc::new(target.agent(number % AGENTS).await));
        }
        let (agent, web, picture) = (agent.clone().expect("there is one by now"), web.clone(), target.picture(number));
        running.spawn(async move {
            upload(&agent, &web, picture).await;
            (number, at.elapsed())
        });
        due += every;
    }
    let mut waits = Vec::new();
    while let Some(ended) = running.join_next().await {
        waits.push(ended.expect("every upload is accepted and gets ready"));
    }
    waits.sort_unstable_by_key(|(number, _)| *number);
    meter.end(fleet, waits.into_iter().map(|(_, wait)| wait).collect()).await
}

/// From its handle until it is ready.
async fn upload(agent: &Client, web: &Web, picture: Vec<u8>) {
    let handle = agent.upload_handle().await;
    let answer = web.upload(&handle, picture).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    is_ready(agent, handle.id).await;
}

async fn is_ready(agent: &Client, id: MediaId) {
    let ended = agent.heard.wait_for("the media object is ready", |heard| {
        let events = heard.iter().rev().filter_map(Heard::media_event);
        events
            .filter(|event| subject(event).0 == id)
            .map(|event| state(&event))
            .find(|state| *state != MediaState::Uploaded)
    });
    assert_eq!(ended.await, MediaState::Ready, "{id}");
}

/// What is spent from now on.
struct Meter {
    began: Instant,
    spent: Spent,
    clients: Duration,
    disk: Disk,
}

impl Meter {
    async fn start(fleet: &Fleet) -> Self {
        let (spent, clients) = (Spent::by(fleet).await, usage::cpu(rustix::process::getpid()));
        Self { spent, clients, disk: Disk::watch(), began: Instant::now() }
    }

    async fn end(self, fleet: &Fleet, waits: Vec<Duration>) -> Measured {
        let took = self.began.elapsed();
        Measured {
            uploads: waits.len(),
            took,
            spent: Spent::by(fleet).await.since(&self.spent),
            clients: usage::cpu(rustix::process::getpid()).saturating_sub(self.clients),
            waits,
            disk: self.disk.worst(),
        }
    }
}
