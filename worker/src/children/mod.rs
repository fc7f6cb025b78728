//! Pixel children: the only processes of this project that touch a decoder.
//!
//! A child is the running binary started again. It has no environment, no file
//! but its three standard ones, and one file of a user at a time in its memory:
//! bytes come and go through memfds, words through a socket pair. Around it are
//! [walls](Wall). A crash, a hang or a lie of a child is a failed attempt of one
//! job and nothing else.
//!
//! Nothing here knows of jobs, leases, the store or the network.

mod attempt;
mod bell;
mod bounds;
mod failure;
mod inside;
mod last_words;
mod memory;
mod meter;
mod pool;
mod process;
mod protocol;
mod slot;
mod socket;
mod walls;
mod warm_up;

pub use failure::PixelFailure;
pub use inside::{PIXEL_CHILD_ARG, pixel_child_main};
pub use last_words::{DEATHS, Death};
pub use memory::{Original, OriginalBuffer};
pub use meter::Spent;
pub use pool::{PixelOutput, PixelWork, Pool, PoolError, Run, Step};
pub use process::{ChildCommand, StartError};
pub use walls::{Standing, Wall, Walls, raise as raise_walls};
