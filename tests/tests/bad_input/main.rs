//! Bad input, each kind by itself: a clear answer, nothing left in store or
//! database, and a process that goes on as if nothing had been.

mod aftermath;
mod frames;
mod handles;
mod hooks;
mod pictures;
mod rooms;
mod uploads;
