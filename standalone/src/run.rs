//! Coordinator and worker side by side. They speak to one another by HTTP, as
//! they do in a fleet: one path, tested once.

use crate::configuration::Configuration;
use anyhow::Context;
use heim_coordinator::{Capabilities, KnownWalls};
use heim_db::Database;
use heim_queue::Queue;
use heim_runtime::{Shutdown, measure, ready};
use heim_store::Store;
use heim_worker::{Credentials, WorkerError, children::Walls};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::oneshot};
use tokio_util::sync::CancellationToken;

/// What a job that outlived its grace takes to be handed back, at the most.
const HAND_BACK_MS: u64 = 5_000;

/// Runs until a signal, or until one half fails.
pub(crate) async fn run(mut all: Configuration) -> anyhow::Result<()> {
    let settings = all.settings()?;
    let shutdown = Shutdown::new();
    // The coordinator is there until the worker has handed back what it did not finish.
    let grace = settings.coordinator.grace_ms.max(all.worker.grace_ms.saturating_add(HAND_BACK_MS));
    shutdown.on_signals(Duration::from_millis(grace))?;
    let listen = &settings.coordinator.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    let db = Database::connect(&all.database).await?;
    db.migrate().await?;
    let store = Store::open(&all.store)?;
    let queue = Queue::connect(&all.queue).await?;
    if all.worker.coordinator_url.is_empty() {
        all.worker.coordinator_url = format!("http://{}", loopback(address));
        // An address of this machine: what is sent to it leaves by no wire.
        all.worker.allow_plain_http = true;
    }
    let credentials = Credentials { key: settings.hooks.key.clone(), secret: settings.hooks.secret.clone() };
    let (serving, served) = oneshot::channel();
    let walls = KnownWalls::default();
    let metrics = measure::begin(&[heim_coordinator::measures::MEASURES, heim_worker::measures::MEASURES])?;
    let capabilities =
        Capabilities { db, store: store.clone(), queue: queue.clone(), walls: Some(Arc::clone(&walls)), metrics };
    // The worker stops first: it still has to register and to finish.
    let last = Shutdown { soft: CancellationToken::new(), hard: shutdown.hard.clone() };
    let coordinator = heim_coordinator::serve(listener, settings, capabilities, last.clone(), || {
        // Only a worker that failed does not wait for it.
        let _ = serving.send(());
    });
    let (stop, stopping) = (shutdown.soft.clone(), shutdown.soft.clone());
    let worker = async {
        // Cancelled by the coordinator's own failure, which is reported there.
        if served.await.is_err() {
            return Ok(());
        }
        heim_worker::run(all.worker, all.pixels, credentials, queue, store, stop, |_, up| {
            // Said once: the worker starts once.
            let _ = walls.set(in_words(up));
            ready::print(&format!("ready http://{address}\n"));
            tracing::info!("open http://{}/room/welcome/", loopback(address));
        })
        .await?;
        // A worker that an operator drained leaves the coordinator as it is.
        stopping.cancelled().await;
        Ok::<_, WorkerError>(())
    };
    let coordinator = async {
        let ended = coordinator.await;
        shutdown.soft.cancel();
        ended.context("coordinator")
    };
    let worker = async {
        let ended = tokio::select! {
            ended = worker => ended,
            () = shutdown.hard.cancelled() => Ok(()),
        };
        last.soft.cancel();
        ended.context("worker")
    };
    let (coordinator, worker) = tokio::join!(coordinator, worker);
    coordinator.and(worker)
}

/// How each wall stands.
fn in_words(walls: &Walls) -> BTreeMap<&'static str, String> {
    walls.iter().map(|(wall, standing)| (wall.as_str(), standing.to_string())).collect()
}

/// How this machine itself reaches `address`.
fn loopback(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (std::net::Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_is_reached_by_loopback() {
        let of = |text: &str| loopback(text.parse().unwrap()).to_string();
        assert_eq!(of("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(of("[::]:80"), "[::1]:80");
        assert_eq!(of("10.0.0.1:80"), "10.0.0.1:80");
    }

    #[test]
    fn every_wall_is_told_of() {
        let words = in_words(&Walls::default());
        assert_eq!(words.len(), heim_worker::children::Wall::ALL.len());
        assert!(words["seccomp"].starts_with("missing: "));
    }
}
