//! A coordinator from its first line to its last.

use crate::{
    app::{App, Ids, Parts},
    background::{self, PRESENCE_LEASE},
    config::Settings,
    dispatch,
    rooms::{self, Rooms},
    routes,
    sign::Signer,
};
use heim_common::{Snowflake, time::Clock};
use heim_db::{Database, DbError};
use heim_queue::Queue;
use heim_runtime::{Shutdown, clock, server, telemetry::chain};
use heim_store::Store;
use std::sync::Arc;
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What a coordinator works with.
pub struct Capabilities {
    /// The truth.
    pub db: Database,
    /// The bytes.
    pub store: Store,
    /// The transport.
    pub queue: Queue,
}

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
    let Capabilities { db, store, queue } = capabilities;
    if !db.pending_migrations().await?.is_empty() {
        return Err(StartError::NotMigrated);
    }
    let clock: Clock = clock::system;
    let own_url = format!("http://{}", listener.local_addr().map_err(StartError::Listener)?);
    let (number, era) = take_number(&db, clock).await?;
    // Before anybody is served: what comes after it is brought to the sessions.
    let (rooms, ends) = Rooms::new(db.events_last().await?, clock());
    let limits = server::ServerLimits::from(&settings.limits);
    let app = App::new(Parts {
        signer: Signer::new(&settings.signing.secret),
        ids: Ids::new(number, clock),
        dispatch: Arc::new(Notify::new()),
        server_id: format!("heim.{number}"),
        server_era: era.clone(),
        tasks: TaskTracker::new(),
        db: db.clone(),
        store,
        queue,
        rooms,
        clock,
        settings,
        own_url,
    });
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn(rooms::run(app.clone(), ends, stop.clone()));
    tasks.spawn(dispatch::run(app.clone(), stop.clone()));
    tasks.spawn(background::run(app.clone(), number, stop.clone()));
    tasks.close();

    ready();
    server::run(listener, routes::router(app.clone(), shutdown.clone()), limits, shutdown.clone()).await;
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

/// Leases a number for ids, and makes this start's era with it.
async fn take_number(db: &Database, clock: Clock) -> Result<(u16, String), StartError> {
    // Random, so that two that start in one millisecond are told apart.
    let now = u64::try_from(clock().0).unwrap_or(0);
    let era = Snowflake((now << 20 | u64::from(rand::random::<u32>() >> 12)) & (u64::MAX >> 1)).to_string();
    let number = db.lease_number(&era, PRESENCE_LEASE).await?.ok_or(StartError::TooMany)?;
    Ok((number, era))
}
