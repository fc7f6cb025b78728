//! Ports for servers that go away and come back: below those that the kernel
//! gives to outgoing connections, because such a connection could otherwise take
//! the port while the server is down, even one that was meant for it.
//!
//! Only std, so that other crates' tests can include this file by its path.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

const FIRST: u16 = 12_000;
const EACH: u16 = 6_000;

/// A free port. Each kind of server has a range of its own, with a number from 0
/// to 2, and each process begins elsewhere in it.
pub fn free(kind: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = FIRST + kind * EACH;
    let start = u16::try_from(std::process::id() % u32::from(EACH)).expect("below EACH, so it fits");
    for _ in 0..EACH {
        let step = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(7) % EACH;
        let port = first + (start + step) % EACH;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {first} and {}", first + EACH);
}
