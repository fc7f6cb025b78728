//! Processes are asked to stop, replaced one after the other, and run beside
//! those of another release.

mod coordinators;
mod releases;
mod workers;
