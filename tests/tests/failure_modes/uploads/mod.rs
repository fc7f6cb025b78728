//! Uploads are cut, doubled, slow, or hostile.

mod doubled;
mod exhausted;
mod expired;
mod framing;
mod interrupted;
mod lost_reply;
mod panicking;
mod slow;
