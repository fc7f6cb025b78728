//! Which connections of a pool are dead. A network that loses them tells nobody,
//! and neither does a server that another one has taken the place of: each of them
//! would have to be waited for until it is known.

use sea_orm::sqlx::{Connection, Error, PgConnection};
use std::{
    io::ErrorKind,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// How long a connection that was not in use may take to say that it lives.
const ANSWER: Duration = Duration::from_secs(1);

/// What is known of the connections of one pool.
#[derive(Clone, Debug)]
pub(crate) struct Doubt {
    answer: Duration,
    /// When one was last asked that did not answer.
    since: Arc<Mutex<Option<Instant>>>,
}

impl Doubt {
    /// Of a pool whose connections are waited for so long.
    pub(crate) fn within(acquire: Duration) -> Self {
        Self { answer: ANSWER.min(acquire / 2), since: Arc::default() }
    }

    /// Whether a connection that was not in use for a while may be used now. Where
    /// one is dead, so are those that have said nothing since.
    pub(crate) async fn is_good(&self, connection: &mut PgConnection, idle: Duration) -> Result<bool, Error> {
        let asked = Instant::now();
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_some_and(|since| since.elapsed() < idle) {
            return Ok(false);
        }
        if let Ok(answered) = timeout(self.answer, connection.ping()).await {
            return answered.map(|()| true);
        }
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
        Err(Error::Io(ErrorKind::TimedOut.into()))
    }
}
