//! Where all sockets note what they have got, so that a measurement can wait
//! until everybody has everything.

use heim_tests::until::within;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::Notify;

/// A numbered packet has come to a socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// Of the packet.
    pub(crate) number: usize,
    /// When it was read.
    pub(crate) at: Instant,
    /// The coordinator of the socket.
    pub(crate) coordinator: usize,
}

/// What was noted and not yet looked at.
#[derive(Debug)]
pub(crate) struct Board {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    arrivals: Vec<Arrival>,
    wanted: usize,
    ended: usize,
}

impl Default for Board {
    fn default() -> Self {
        let state = State { arrivals: Vec::new(), wanted: usize::MAX, ended: 0 };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, arrival: Arrival) {
        let mut state = self.lock();
        state.arrivals.push(arrival);
        if state.arrivals.len() >= state.wanted {
            drop(state);
            self.changed.notify_one();
        }
    }

    /// A socket has ended, which none should.
    pub(crate) fn note_ended(&self) {
        self.lock().ended += 1;
        self.changed.notify_one();
    }

    /// Waits until this many packets have come, and takes them off.
    pub(crate) async fn take(&self, wanted: usize) -> Vec<Arrival> {
        self.lock().wanted = wanted;
        within(&format!("{wanted} packets have come"), async {
            loop {
                if let Some(arrivals) = self.taken(wanted) {
                    return arrivals;
                }
                self.changed.notified().await;
            }
        })
        .await
    }

    fn taken(&self, wanted: usize) -> Option<Vec<Arrival>> {
        let mut state = self.lock();
        assert_eq!(state.ended, 0, "the coordinators have closed so many sockets");
        (state.arrivals.len() >= wanted).then(|| {
            state.wanted = usize::MAX;
            std::mem::take(&mut state.arrivals)
        })
    }
}
