//! Rooms: who is connected here, what they are told, and what they say.
//!
//! Each event goes to this coordinator's own sessions directly and to the other
//! coordinators by pub/sub, so a room goes on when the transport is away.

mod bus;
mod chairs;
mod closing;
mod command;
mod deliver;
mod end;
mod heal;
mod hub;
mod keepalive;
mod lobby;
mod nick;
mod outbox;
mod presence;
mod seen;
mod session;
mod throttle;
mod viewed;
mod writer;

pub(crate) use bus::{Rooms, announce, announce_expired, announce_given_up, announce_media, run};
pub(crate) use hub::Admission;
pub(crate) use nick::normalize as normalize_nick;
pub(crate) use presence::keep_sessions;
pub(crate) use session::{Joining, serve};
