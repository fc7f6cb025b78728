//! Redis restarted, emptied, frozen, full, failed over, or restored from an old
//! copy; and lanes.

mod away;
mod full;
mod lanes;
mod lost;
mod silent;
mod slow;
