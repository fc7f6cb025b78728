//! Workers are killed, frozen, starved, cut off, and given files that kill their
//! children.

mod children;
mod clocks;
mod cut_off;
mod frozen;
mod killed;
mod store_faults;

pub(crate) use heim_tests::job;
