//! Connections from many addresses of the loopback, as from many machines: a cap
//! for each address would else hide what thousands of connections do.

use crate::{raw::authority, until::within};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpSocket, TcpStream};

/// The address of the machine with this number, up to 60,000 of them.
#[must_use]
pub fn address(machine: usize) -> Ipv4Addr {
    let [high, low] = u16::try_from(machine + 257).expect("so many machines there are not").to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

/// Connects from a machine with this number. `received` bounds what the kernel
/// takes in before it is read.
pub async fn connect(base: &str, machine: usize, received: Option<u32>) -> TcpStream {
    let server: SocketAddr = authority(base).parse().expect("servers under test are at an address");
    let socket = TcpSocket::new_v4().expect("a socket can be made: raise the limit of open files");
    if let Some(bytes) = received {
        socket.set_recv_buffer_size(bytes).expect("a buffer can be small");
    }
    socket.bind((address(machine), 0).into()).expect("all of 127.0.0.0/8 is this machine");
    let stream = within("the server accepts", socket.connect(server)).await.expect("it listens");
    stream.set_nodelay(true).expect("a fresh connection takes options");
    stream
}
