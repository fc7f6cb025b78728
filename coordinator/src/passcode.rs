//! Passcodes of private rooms: kept as Argon2id (RFC 9106) in the PHC string
//! format, and compared by few at a time, because each takes memory and time on
//! purpose.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier},
};
use heim_common::{RoomName, problem::Code};
use std::{
    collections::HashMap,
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
    thread::available_parallelism,
    time::Duration,
};
use tokio::{
    sync::{Mutex as Turn, Semaphore},
    task::spawn_blocking,
    time::{Instant, sleep},
};
use zeroize::Zeroizing;

/// Longest passcode, in bytes.
pub(crate) const BYTES_MAX: usize = 1024;
const SALT_BYTES: usize = 16;

/// Wrong passcodes in one room that cost nothing but the session's own pause.
const WRONG_FREE: u32 = 20;
/// How long one of them is remembered.
const WRONG_KEPT: Duration = Duration::from_secs(3);
/// Passcodes of one room that may wait to be compared.
const LINE_MAX: usize = 16;
/// Rooms whose wrong passcodes are remembered.
const ROOMS_MAX: usize = 4096;

/// Hashes and compares passcodes, with the parameters that RFC 9106 and the
/// crate call recommended (19 MiB, 2 passes).
pub(crate) struct Passcodes {
    at_once: Semaphore,
    /// Rooms in which wrong passcodes were said lately.
    guessed: Mutex<HashMap<RoomName, Guesses>>,
}

/// Wrong passcodes of one room. A session is slowed down by itself; this is
/// against many sessions that try one passcode each.
struct Guesses {
    /// When the last of them is forgotten.
    until: Instant,
    /// While there are too many, passcodes are compared one after the other.
    turn: Arc<Turn<()>>,
    /// Places in that line.
    line: Arc<Semaphore>,
}

/// What became of a passcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verified {
    Right,
    Wrong,
    /// It was not compared: too many are waiting for that.
    Crowded,
}

/// A passcode could not be hashed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasscodeError {
    #[error("a passcode has 1 to {BYTES_MAX} bytes")]
    Length,
    #[error("a passcode could not be hashed")]
    Hash(#[source] argon2::password_hash::Error),
    #[error("a passcode could not be hashed")]
    Thread(#[source] tokio::task::JoinError),
}

impl PasscodeError {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Length => Code::BadRequest,
            Self::Hash(_) | Self::Thread(_) => Code::Internal,
        }
    }
}

impl Passcodes {
    pub(crate) fn new() -> Self {
        let at_once = Semaphore::new(available_parallelism().map_or(1, NonZero::get));
        Self { at_once, guessed: Mutex::default() }
    }

    /// The PHC string that a row keeps.
    pub(crate) async fn hash(&self, passcode: &str) -> Result<String, PasscodeError> {
        if !(1..=BYTES_MAX).contains(&passcode.len()) {
            return Err(PasscodeError::Length);
        }
        let passcode = Zeroizing::new(passcode.to_owned());
        let mut salt = [0; SALT_BYTES];
        crate::keys::seal::fill(&mut salt);
        let _turn = self.at_once.acquire().await;
        let hashed =
            spawn_blocking(move || Argon2::default().hash_password_with_salt(passcode.as_bytes(), &salt)).await;
        Ok(hashed.map_err(PasscodeError::Thread)?.map_err(PasscodeError::Hash)?.to_string())
    }

    /// Compares a passcode with the room's. In a room in which many wrong ones are
    /// said, it takes its turn, and each turn takes `pause`, so that nobody guesses
    /// fast; the line for it is short. Whoever drops this has left the line.
    pub(crate) async fn admit(&self, room: &RoomName, passcode: String, phc: String, pause: Duration) -> Verified {
        let crowd = self.note(room);
        let _turn = match &crowd {
            Some((turn, line)) => {
                let Ok(place) = line.try_acquire() else {
                    sleep(pause).await;
                    return Verified::Crowded;
                };
                let turn = turn.lock().await;
                sleep(pause).await;
                Some((turn, place))
            }
            None => None,
        };
        if self.verify(passcode, phc).await {
            self.take_back(room);
            return Verified::Right;
        }
        Verified::Wrong
    }

    fn guessed(&self) -> std::sync::MutexGuard<'_, HashMap<RoomName, Guesses>> {
        // Every change is a single insertion or removal: whole even after a panic.
        self.guessed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a passcode before it is compared, since many may come at once, and
    /// returns the line to stand in where there were too many.
    fn note(&self, room: &RoomName) -> Option<(Arc<Turn<()>>, Arc<Semaphore>)> {
        let now = Instant::now();
        let mut rooms = self.guessed();
        if !rooms.contains_key(room) {
            rooms.retain(|_, guesses| guesses.until > now);
            if rooms.len() >= ROOMS_MAX {
                return None;
            }
        }
        let guesses = rooms.entry(room.clone()).or_insert_with(|| Guesses {
            until: now,
            turn: Arc::default(),
            line: Arc::new(Semaphore::new(LINE_MAX)),
        });
        // Twice what is free is remembered at most: it ends a while after the last.
        let most = now + WRONG_KEPT * WRONG_FREE * 2;
        guesses.until = (guesses.until.max(now) + WRONG_KEPT).min(most);
        let left = guesses.until.saturating_duration_since(now);
        (left > WRONG_KEPT * WRONG_FREE).then(|| (Arc::clone(&guesses.turn), Arc::clone(&guesses.line)))
    }

    /// It was right: it counts for nothing.
    fn take_back(&self, room: &RoomName) {
        if let Some(guesses) = self.guessed().get_mut(room) {
            guesses.until -= WRONG_KEPT;
        }
    }

    /// Whether this is the passcode; false for a string that is no hash.
    pub(crate) async fn verify(&self, passcode: String, phc: String) -> bool {
        let passcode = Zeroizing::new(passcode);
        if passcode.len() > BYTES_MAX {
            return false;
        }
        let _turn = self.at_once.acquire().await;
        let verified = spawn_blocking(move || {
            PasswordVerifier::<str>::verify_password(&Argon2::default(), passcode.as_bytes(), phc.as_str()).is_ok()
        });
        verified.await.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_wrong_passcodes_in_a_room_are_compared_one_after_the_other() {
        let (passcodes, pause) = (Passcodes::new(), Duration::from_secs(2));
        let (vault, attic): (RoomName, RoomName) = ("vault".parse().unwrap(), "attic".parse().unwrap());
        let guess = |room| passcodes.admit(room, "wrong".into(), "no hash at all".into(), pause);
        let begun = Instant::now();
        for _ in 0..WRONG_FREE {
            assert_eq!(guess(&vault).await, Verified::Wrong);
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        futures_util::future::join_all((0..5).map(|_| guess(&vault))).await;
        assert_eq!(begun.elapsed(), pause * 5);
        let all = futures_util::future::join_all((0..LINE_MAX + 3).map(|_| guess(&vault))).await;
        assert_eq!(all.iter().filter(|verified| **verified == Verified::Crowded).count(), 3, "the line is short");
        let begun = Instant::now();
        assert_eq!(guess(&attic).await, Verified::Wrong);
        assert_eq!(begun.elapsed(), Duration::ZERO, "other rooms are not held up");
        tokio::time::advance(WRONG_KEPT * WRONG_FREE * 2).await;
        let begun = Instant::now();
        assert_eq!(guess(&vault).await, Verified::Wrong);
        assert_eq!(begun.elapsed(), Duration::ZERO, "it is forgotten");
    }

    #[tokio::test]
    async fn only_the_passcode_is_the_passcode() {
        let passcodes = Passcodes::new();
        let hash = passcodes.hash("sesame").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passcodes.verify("sesame".into(), hash.clone()).await);
        for wrong in ["", "Sesame", "sesame ", "sesam"] {
            assert!(!passcodes.verify(wrong.into(), hash.clone()).await, "{wrong}");
        }
        assert!(!passcodes.verify("sesame".into(), "sesame".into()).await);
        assert_ne!(passcodes.hash("sesame").await.unwrap(), hash);
        assert!(passcodes.hash("").await.is_err());
        assert!(passcodes.hash(&"x".repeat(BYTES_MAX + 1)).await.is_err());
    }
}
