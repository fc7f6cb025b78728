//! heim's client protocol, as far as clients without media need it, on the real
//! binary. The expected packets are those of a recorded heim.

mod entering;
mod healing;
mod keepalive;
mod limits;
mod packets;
mod talking;
