//! Who is connected: how many in all, how many from one address, and who has
//! asked for nothing yet.
//!
//! When no place is left, whoever has been silent for longest makes room. Ten
//! thousand silent sockets therefore keep nobody out, but for those that stay
//! silent for longer than it takes to open that many.

use crate::network::Address;
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Counts connections against their caps. Clones share the count.
#[derive(Clone, Debug)]
pub struct Crowd(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    all_max: usize,
    /// 0 stands for no cap.
    address_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    all: usize,
    by_address: HashMap<Address, usize>,
    /// Whoever waits for a request, the one that has waited for longest first.
    silent: BTreeMap<u64, Arc<Notify>>,
    next: u64,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowded {
    /// As many as may be are connected, and all of them are at work.
    All,
    /// As many as may be are connected from this address.
    Address,
}

/// A place among all connections. Its drop gives it back.
#[derive(Debug)]
pub(crate) struct Place {
    crowd: Crowd,
    _seat: Option<Seat>,
}

/// A place among the connections from one address. Its drop gives it back.
#[derive(Debug)]
pub struct Seat {
    crowd: Crowd,
    address: Address,
}

impl Crowd {
    /// Nobody is there yet.
    #[must_use]
    pub fn new(all_max: usize, address_max: usize) -> Self {
        Self(Arc::new(Inner { all_max, address_max, state: Mutex::default() }))
    }

    /// Takes a place for a connection; `from` is whose seat it takes, too. If all
    /// are taken, whoever was silent for longest is asked to go, and this one
    /// comes in at once: so there can be one more than the cap for an instant.
    pub(crate) fn enter(&self, from: Option<IpAddr>) -> Result<Place, Crowded> {
        let seat = from.map(|ip| self.sit(ip)).transpose()?;
        let mut state = self.state();
        if state.all >= self.0.all_max && !state.send_away() {
            return Err(Crowded::All);
        }
        state.all += 1;
        drop(state);
        Ok(Place { crowd: self.clone(), _seat: seat })
    }

    /// Takes one of the seats of an address.
    ///
    /// # Errors
    /// [`Crowded::Address`] if none is left.
    pub fn sit(&self, ip: IpAddr) -> Result<Seat, Crowded> {
        let address = Address::of(ip);
        let mut state = self.state();
        let count = state.by_address.entry(address).or_default();
        if self.0.address_max != 0 && *count >= self.0.address_max {
            return Err(Crowded::Address);
        }
        *count += 1;
        Ok(Seat { crowd: self.clone(), address })
    }

    /// Asks whoever was silent for longest to go. False if nobody is silent.
    pub(crate) fn send_away(&self) -> bool {
        self.state().send_away()
    }

    /// Every step leaves the state whole, so a poisoned lock harms nobody.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn send_away(&mut self) -> bool {
        let longest = self.silent.pop_first();
        longest.is_some_and(|(_, go)| {
            go.notify_one();
            true
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.state().all -= 1;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.crowd.state();
        if let Some(count) = state.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                state.by_address.remove(&self.address);
            }
        }
    }
}

/// Whether one connection is silent: from its start to its first request, and
/// from the end of each answer to the next one.
#[derive(Debug)]
pub(crate) struct Silence {
    crowd: Crowd,
    /// Told when this connection has to make room.
    go: Arc<Notify>,
    ticket: Mutex<Option<u64>>,
}

impl Silence {
    /// A connection that has just begun.
    pub(crate) fn new(crowd: &Crowd) -> Arc<Self> {
        let silence = Self { crowd: crowd.clone(), go: Arc::default(), ticket: Mutex::default() };
        silence.begin();
        Arc::new(silence)
    }

    /// Nothing is asked any more.
    fn begin(&self) {
        let mut state = self.crowd.state();
        let ticket = state.next;
        state.next += 1;
        state.silent.insert(ticket, Arc::clone(&self.go));
        let before = self.ticket().replace(ticket);
        if let Some(before) = before {
            state.silent.remove(&before);
        }
    }

    /// A request came. The connection is silent again when what this returns is
    /// dropped.
    pub(crate) fn interrupt(self: &Arc<Self>) -> Asking {
        self.end();
        Asking(Arc::clone(self))
    }

    /// Returns when this connection has to make room.
    pub(crate) async fn sent_away(&self) {
        self.go.notified().await;
    }

    fn end(&self) {
        let mut state = self.crowd.state();
        if let Some(ticket) = self.ticket().take() {
            state.silent.remove(&ticket);
        }
    }

    /// Locked only by whoever holds the state.
    fn ticket(&self) -> MutexGuard<'_, Option<u64>> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.end();
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Asking(Arc<Silence>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.begin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// Whether a future is ready at once.
    fn now(future: impl Future) -> bool {
        pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn who_was_silent_for_longest_makes_room() {
        let crowd = Crowd::new(2, 0);
        let (_first, first) = (crowd.enter(None).unwrap(), Silence::new(&crowd));
        let (_second, second) = (crowd.enter(None).unwrap(), Silence::new(&crowd));
        // The first asks something and is silent again: now the second waits for longer.
        drop(first.interrupt());
        assert!(crowd.enter(None).is_ok());
        assert!(now(second.sent_away()) && !now(first.sent_away()));
        let _asking = first.interrupt();
        assert_eq!(crowd.enter(None).unwrap_err(), Crowded::All, "nobody is silent");
    }

    #[test]
    fn an_address_has_its_seats_and_gets_them_back() {
        let crowd = Crowd::new(10, 2);
        let first = crowd.enter(Some(IP)).unwrap();
        let _second = crowd.sit(IP).unwrap();
        assert_eq!(crowd.enter(Some(IP)).unwrap_err(), Crowded::Address);
        assert!(crowd.enter(None).is_ok() && crowd.enter(Some([10, 0, 0, 1].into())).is_ok());
        drop(first);
        let third = crowd.enter(Some(IP)).unwrap();
        drop(third);
        assert_eq!(crowd.state().by_address.len(), 1, "who is gone is not remembered");
    }

    #[test]
    fn who_has_gone_is_not_asked_to_go() {
        let crowd = Crowd::new(1, 0);
        let place = crowd.enter(None).unwrap();
        drop(Silence::new(&crowd));
        assert!(!crowd.send_away());
        drop(place);
        assert!(crowd.enter(None).is_ok());
    }
}
