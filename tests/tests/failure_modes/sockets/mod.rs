//! Sockets: whoever loses one comes back and has missed nothing.

mod crowds;
mod late;
mod readable;
mod resuming;
mod silence;
