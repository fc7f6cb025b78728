//! A coordinator from its first line to its last.

use crate::{
    app::{App, Ids, Parts},
    background::{self, PRESENCE_LEASE},
    config::Settings,
    dispatch::{self, Bell},
    gauges,
    keys::Keyring,
    lasting::lasting,
    measures, ops,
    passcode::Passcodes,
    readiness::Readiness,
    retention,
    rooms::{self, Rooms},
    routes,
    sign::Signer,
};
use heim_common::{Snowflake, time::Clock};
use heim_db::{Database, DbError};
use heim_queue::Queue;
use heim_runtime::{Shutdown, clock, measure::Page, open_files, server, telemetry::chain};
use heim_store::Store;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};
use tokio::{
    net::TcpListener,
    sync::{Notify, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What a coordinator works with.
pub struct Capabilities {
    /// The truth.
    pub db: Database,
    /// The bytes.
    pub store: Store,
    /// The transport.
    pub queue: Queue,
    /// The walls around the pixel children of this process, for `/readyz`. Only
    /// heim-media has any.
    pub walls: Option<KnownWalls>,
    /// What is counted in this process, for `/metrics`.
    pub metrics: Page,
}

/// How each wall around the pixel children stands, in words, as soon as they are up.
pub type KnownWalls = Arc<OnceLock<BTreeMap<&'static str, String>>>;

/// Why a coordinator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody has to run `heim-coordinator migrate` first.
    #[error("the database's schema is not that of this version: run `heim-coordinator migrate`")]
    NotMigrated,
    /// All numbers are taken.
    #[error("1024 coordinators hold a number already")]
    TooMany,
    /// The database does not answer.
    #[error("cannot take a number from the database")]
    Database(#[from] DbError),
    /// The listener is no TCP listener.
    #[error("cannot tell where this listens")]
    Listener(#[source] std::io::Error),
    /// The dashboard has no place.
    #[error("cannot listen on ops.listen")]
    Ops(#[source] std::io::Error),
}

/// Serves on `listener` until `shutdown`. `ready` is called when everything is
/// there that a request may need.
///
/// # Errors
/// Only before the first request is taken.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    capabilities: Capabilities,
    shutdown: Shutdown,
    ready: impl FnOnce(),
) -> Result<(), StartError> {
    let Capabilities { db, store, queue, walls, metrics } = capabilities;
    if !db.pending_migrations().await?.is_empty() {
        return Err(StartError::NotMigrated);
    }
    let dashboard = ops::listen(&settings.ops).await.map_err(StartError::Ops)?;
    let clock: Clock = clock::system;
    measures::begin(clock());
    let own_url = format!("http://{}", listener.local_addr().map_err(StartError::Listener)?);
    let keys = open_keys(&settings, &db).await?;
    let (number, era) = take_number(&db, clock).await?;
    // Before anybody is served: what comes after it is brought to the sessions.
    let (rooms, ends) = Rooms::new(db.events_last().await?, clock());
    let proxies = &settings.coordinator.trusted_proxies;
    let limits = server::ServerLimits::new(&settings.limits, proxies, open_files::raise());
    let app = App::new(Parts {
        signer: Signer::new(&settings.signing.secret).accepting(&settings.signing.accepted),
        keys,
        passcodes: Passcodes::new(),
        entering: Arc::new(Semaphore::new(settings.limits.entering_max.max(1))),
        ids: Ids::new(number, clock),
        bell: Bell::default(),
        sweep: Arc::new(Notify::new()),
        metrics,
        readiness: Readiness::default(),
        server_id: format!("heim.{number}"),
        server_era: era.clone(),
        tasks: TaskTracker::new(),
        db: db.clone(),
        store,
        queue,
        walls,
        rooms,
        clock,
        settings,
        own_url,
    });
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn(rooms::run(app.clone(), ends, stop.clone()));
    last(&tasks, &app, &stop, number);
    tasks.close();

    ready();
    let operated = ops::run(dashboard, app.clone(), limits.clone(), shutdown.clone());
    let served = server::run(listener, routes::router(app.clone(), shutdown.clone()), limits, shutdown.clone());
    tokio::join!(served, operated);
    app.tasks.close();
    tokio::select! {
        () = app.tasks.wait() => {}
        () = shutdown.hard.cancelled() => {}
    }
    stop.cancel();
    tasks.wait().await;
    for (what, ended) in [("sessions", db.sessions_end(&era).await), ("number", db.release_number(number, &era).await)]
    {
        if let Err(error) = ended {
            tracing::warn!(what, error = chain(&error), "not given back; its lease will run out");
        }
    }
    Ok(())
}

/// Opens the master keys. What cannot be opened costs private rooms, and said
/// loudly; public rooms are served.
async fn open_keys(settings: &Settings, db: &Database) -> Result<Keyring, DbError> {
    let keys = settings.keys.keyring().unwrap_or_else(|error| {
        tracing::error!(error = chain(&error), "there are no private rooms");
        Keyring::new(Vec::new(), false)
    });
    for master in db.room_key_masters().await? {
        if !keys.knows(&master) {
            tracing::error!(
                master,
                "rooms have keys under a master key that is neither keys.master nor in keys.previous: they cannot be \
                 opened"
            );
        }
    }
    Ok(keys)
}

/// Leases a number for ids, and makes this start's era with it.
pub(crate) async fn take_number(db: &Database, clock: Clock) -> Result<(u16, String), StartError> {
    // Random, so that two that start in one millisecond are told apart.
    let now = u64::try_from(clock().0).unwrap_or(0);
    let era = Snowflake((now << 20 | u64::from(rand::random::<u32>() >> 12)) & (u64::MAX >> 1)).to_string();
    let number = db.lease_number(&era, PRESENCE_LEASE).await?.ok_or(StartError::TooMany)?;
    Ok((number, era))
}

/// Begins what a coordinator does by itself until `stop`.
fn last(tasks: &TaskTracker, app: &App, stop: &CancellationToken, number: u16) {
    let own = || (app.clone(), stop.clone());
    let (dispatching, sweeping, keeping, counting) = (own(), own(), own(), own());
    tasks.spawn(lasting("dispatch", move || dispatch::run(dispatching.0.clone(), dispatching.1.clone())));
    tasks.spawn(lasting("background", move || background::run(sweeping.0.clone(), number, sweeping.1.clone())));
    tasks.spawn(lasting("retention", move || retention::run(keeping.0.clone(), keeping.1.clone())));
    tasks.spawn(lasting("gauges", move || gauges::run(counting.0.clone(), counting.1.clone())));
}
