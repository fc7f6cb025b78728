//! Coordinators and workers as processes of their own, over PostgreSQL and
//! Redis: what must hold when one of them dies, stops, or loses its way.

mod bucket;
mod crashing;
mod doctor;
mod emptied;
mod migrated;
mod passing;
mod redirected;
mod round;
mod secrets;
mod stopping;
mod strangers;
