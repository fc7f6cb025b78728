//! The connection of commands. It connects anew by itself when the network fails,
//! and never again when an attempt at that is answered by a refusal or by nonsense:
//! then it is thrown away, and another takes its place.

use super::{PATIENCE, within};
use crate::QueueError;
use redis::{
    Client, ErrorKind, RedisError, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Commands to one Redis.
pub(super) struct Commands {
    client: Client,
    current: Mutex<Current>,
}

/// The connection that is asked, and its number.
#[derive(Clone)]
struct Current {
    number: u64,
    connection: ConnectionManager,
}

impl Commands {
    pub(super) async fn connect(client: Client) -> Result<Self, QueueError> {
        let connecting = ConnectionManager::new_with_config(client.clone(), config());
        let connection = within("connect", connecting).await?;
        Ok(Self { client, current: Mutex::new(Current { number: 0, connection }) })
    }

    /// Asks something over the connection that there is.
    pub(super) async fn ask<T>(
        &self,
        attempt: &'static str,
        ask: impl AsyncFnOnce(&mut ConnectionManager) -> RedisResult<T>,
    ) -> Result<T, QueueError> {
        let Current { number, mut connection } = self.current().clone();
        let answer = async {
            let answer = ask(&mut connection).await;
            if let Err(error) = answer.as_ref()
                && is_spoilt(error)
            {
                self.renew(number);
            }
            answer
        };
        within(attempt, answer).await
    }

    /// Puts another in the place of this one, if nobody has done so. It connects when
    /// it is asked something.
    fn renew(&self, number: u64) {
        let mut current = self.current();
        if current.number != number {
            return;
        }
        match ConnectionManager::new_lazy_with_config(self.client.clone(), config()) {
            Ok(connection) => *current = Current { number: number + 1, connection },
            Err(error) => tracing::error!(%error, "no other connection to Redis can be made"),
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        // Every change is a single assignment: whole even after a panic.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Few and quick attempts: the next command makes the next one, and whoever is
/// refused at once can say so at once.
fn config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_number_of_retries(2)
        .set_min_delay(Duration::from_millis(50))
        .set_max_delay(Duration::from_millis(250))
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
}

/// Whether a connection is of no use after this, or has never been made.
fn is_spoilt(error: &RedisError) -> bool {
    match error.kind() {
        // The first is the library's to mend; the others are what commands are refused for,
        // such as a memory that is full.
        ErrorKind::Io | ErrorKind::Server(_) | ErrorKind::Extension => false,
        _ => true,
    }
}
