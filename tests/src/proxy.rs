//! A TCP proxy that a test puts before a server, and that does to the
//! connections what networks do: cut, delay, throttle, swallow, corrupt.
//!
//! It runs on a thread of its own, so that it goes on while a test blocks.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::JoinSet,
    time::sleep,
};

const CHUNK_BYTES: usize = 16 << 10;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server: requests.
    In,
    /// From the server to the client: replies.
    Out,
}

/// What the proxy does to every connection, those that are open too. Bytes are
/// counted on each connection and way from the moment at which the fault was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Connections are reset, and new ones are as soon as they come.
    Cut,
    /// Each connection is reset when so many bytes have gone this way; the next
    /// byte does not go. With 0 and [`Way::Out`], the server does what it is
    /// asked and nobody hears of it.
    CutAfter(Way, u64),
    /// Each connection on which the client says this is reset when the server
    /// answers it: what was asked is done, and nobody hears of it.
    CutAnswerTo(&'static [u8]),
    /// Each chunk is late by this.
    Delay(Duration),
    /// No more bytes a second than this, each way.
    Throttle(u64),
    /// Connections are taken, and nothing goes either way until it heals.
    BlackHole,
    /// Nothing goes over the connections that are open, now and ever, and nobody is
    /// told; new ones are well.
    Forget,
    /// A bit of the byte with this number is flipped.
    Corrupt(Way, u64),
}

/// A running proxy. Its end cuts every connection.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    port: Arc<AtomicU16>,
    fault: watch::Sender<Fault>,
}

impl Proxy {
    /// Starts one before the server at this port of the loopback.
    ///
    /// # Panics
    /// If there is no port left.
    #[must_use]
    pub fn before(port: u16) -> Self {
        let (fault, faults) = watch::channel(Fault::None);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener can be made so");
        let address = listener.local_addr().expect("it is bound");
        let to = Arc::new(AtomicU16::new(port));
        let port = Arc::clone(&to);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(accept(listener, port, faults));
        });
        Self { address, port: to, fault }
    }

    /// Where clients go instead of to the server.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Connections that come from now on go to the server at this port.
    pub fn move_to(&self, port: u16) {
        self.port.store(port, Ordering::SeqCst);
    }

    /// Does this from now on.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Does nothing any more.
    pub fn heal(&self) {
        self.set(Fault::None);
    }
}

async fn accept(listener: std::net::TcpListener, port: Arc<AtomicU16>, mut faults: watch::Receiver<Fault>) {
    let listener = TcpListener::from_std(listener).expect("it is not blocking");
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                connections.spawn(connect(client, port.load(Ordering::SeqCst), faults.clone()));
            }
            _ = connections.join_next(), if !connections.is_empty() => {}
            // The proxy was dropped; so are the connections.
            () = dropped(&mut faults) => return,
        }
    }
}

async fn dropped(faults: &mut watch::Receiver<Fault>) {
    while faults.changed().await.is_ok() {}
}

async fn connect(mut client: TcpStream, port: u16, mut faults: watch::Receiver<Fault>) {
    let _ = client.set_nodelay(true);
    if faults.borrow_and_update().eq(&Fault::Cut) {
        reset(&client);
        return;
    }
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else {
        reset(&client);
        return;
    };
    let _ = server.set_nodelay(true);
    // Borrowed, because halves that own a socket close it, and a closed one is not reset.
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    let is_said = AtomicBool::new(false);
    let pump = |way, from, to| Pump {
        way,
        from,
        to,
        faults: faults.clone(),
        passed: 0,
        is_said: &is_said,
        is_forgotten: false,
    };
    let (requests, replies) = (pump(Way::In, from_client, to_server), pump(Way::Out, from_server, to_client));
    // One way may be over before the other; a cut ends both.
    let _ = tokio::try_join!(requests.run(), replies.run());
}

/// Has the connection reset, and not closed, when the socket is dropped.
fn reset(socket: &TcpStream) {
    // It fails only where there is no connection any more.
    let _ = socket.set_zero_linger();
}

/// One way of one connection.
struct Pump<'a> {
    way: Way,
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    faults: watch::Receiver<Fault>,
    passed: u64,
    /// Whether the client has said what is not to be answered; of both ways.
    is_said: &'a AtomicBool,
    /// Whether it was open when connections were forgotten.
    is_forgotten: bool,
}

/// The connection is to be reset.
struct Reset;

impl Pump<'_> {
    async fn run(mut self) -> Result<(), Reset> {
        let end = self.pump().await;
        if end.is_err() {
            reset(self.from.as_ref());
            reset(self.to.as_ref());
        }
        end
    }

    async fn pump(&mut self) -> Result<(), Reset> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let fault = *self.faults.borrow();
            let allowed = match fault {
                Fault::Cut => return Err(Reset),
                Fault::CutAfter(way, bytes) if way == self.way && self.passed < bytes => {
                    usize::try_from(bytes - self.passed).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES)
                }
                _ => CHUNK_BYTES,
            };
            let read = tokio::select! {
                read = self.from.read(&mut chunk[..allowed]), if fault != Fault::BlackHole && !self.is_forgotten => {
                    read.map_err(|_| Reset)?
                }
                changed = self.faults.changed() => {
                    changed.map_err(|_| Reset)?;
                    self.is_forgotten |= *self.faults.borrow() == Fault::Forget;
                    self.passed = 0;
                    self.is_said.store(false, Ordering::Relaxed);
                    continue;
                }
            };
            if read == 0 {
                // The other way may go on.
                let _ = self.to.shutdown().await;
                return Ok(());
            }
            self.pass(&mut chunk[..read], fault).await?;
        }
    }

    async fn pass(&mut self, bytes: &mut [u8], fault: Fault) -> Result<(), Reset> {
        match fault {
            Fault::CutAfter(way, limit) if way == self.way && self.passed >= limit => return Err(Reset),
            Fault::CutAnswerTo(_) if self.way == Way::Out && self.is_said.load(Ordering::Relaxed) => return Err(Reset),
            // Whoever speaks of it in a chunk of its own is understood, and databases' clients do.
            Fault::CutAnswerTo(words)
                if self.way == Way::In && bytes.windows(words.len()).any(|said| said == words) =>
            {
                self.is_said.store(true, Ordering::Relaxed);
            }
            Fault::Delay(time) => sleep(time).await,
            Fault::Throttle(rate) => {
                let micros = (bytes.len() as u64).saturating_mul(1_000_000) / rate.max(1);
                sleep(Duration::from_micros(micros)).await;
            }
            Fault::Corrupt(way, place) if way == self.way => {
                let within = place.checked_sub(self.passed).and_then(|place| usize::try_from(place).ok());
                if let Some(byte) = within.and_then(|place| bytes.get_mut(place)) {
                    *byte ^= 1;
                }
            }
            _ => {}
        }
        self.passed += bytes.len() as u64;
        self.to.write_all(bytes).await.map_err(|_| Reset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        net::TcpListener as Server,
    };

    /// A server that sends back what it gets.
    fn echo() -> u16 {
        let server = Server::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        thread::spawn(move || {
            for client in server.incoming().flatten() {
                thread::spawn(move || std::io::copy(&mut &client, &mut &client));
            }
        });
        port
    }

    fn client(proxy: &Proxy) -> std::net::TcpStream {
        let client = std::net::TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client
    }

    fn ask(mut client: &std::net::TcpStream, text: &[u8]) -> std::io::Result<Vec<u8>> {
        client.write_all(text)?;
        let mut answer = vec![0; text.len()];
        client.read_exact(&mut answer)?;
        Ok(answer)
    }

    #[test]
    fn it_passes_on_what_it_is_given() {
        let proxy = Proxy::before(echo());
        assert_eq!(ask(&client(&proxy), b"hello").unwrap(), b"hello");
    }

    #[test]
    fn it_cuts_what_is_open_and_what_comes() {
        let proxy = Proxy::before(echo());
        let open = client(&proxy);
        ask(&open, b"hello").unwrap();
        proxy.set(Fault::Cut);
        assert!(ask(&open, b"hello").is_err());
        assert!(ask(&client(&proxy), b"hello").is_err());
        proxy.heal();
        assert_eq!(ask(&client(&proxy), b"hello").unwrap(), b"hello");
    }

    #[test]
    fn it_cuts_after_so_many_bytes_of_one_way() {
        let proxy = Proxy::before(echo());
        proxy.set(Fault::CutAfter(Way::Out, 3));
        let mut client = client(&proxy);
        client.write_all(b"hello").unwrap();
        let mut got = Vec::new();
        assert!(client.read_to_end(&mut got).is_err(), "reset, not closed");
        assert_eq!(got, b"hel");
    }

    #[test]
    fn it_swallows_the_answer_to_some_words_and_no_other() {
        let proxy = Proxy::before(echo());
        proxy.set(Fault::CutAnswerTo(b"COMMIT"));
        let client = client(&proxy);
        assert_eq!(ask(&client, b"hello").unwrap(), b"hello");
        assert!(ask(&client, b"Q COMMIT").is_err());
    }

    #[test]
    fn it_flips_one_bit() {
        let proxy = Proxy::before(echo());
        proxy.set(Fault::Corrupt(Way::In, 1));
        assert_eq!(ask(&client(&proxy), b"hello").unwrap(), b"hdllo");
    }

    #[test]
    fn what_it_swallows_comes_when_it_heals() {
        let proxy = Proxy::before(echo());
        let client = client(&proxy);
        ask(&client, b"hello").unwrap();
        proxy.set(Fault::BlackHole);
        client.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert!(ask(&client, b"hello").is_err());
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        proxy.heal();
        let mut answer = [0; 5];
        (&client).read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello");
    }

    #[test]
    fn what_it_forgets_is_dead_for_ever_and_what_comes_is_well() {
        let proxy = Proxy::before(echo());
        let (old, bound) = (client(&proxy), Some(Duration::from_millis(200)));
        ask(&old, b"hello").unwrap();
        proxy.set(Fault::Forget);
        assert_eq!(ask(&client(&proxy), b"hello").unwrap(), b"hello");
        proxy.heal();
        old.set_read_timeout(bound).unwrap();
        assert!(ask(&old, b"hello").is_err());
        assert_eq!(ask(&client(&proxy), b"hello").unwrap(), b"hello");
    }

    #[test]
    fn it_slows_down() {
        let proxy = Proxy::before(echo());
        let client = client(&proxy);
        for fault in [Fault::Delay(Duration::from_millis(50)), Fault::Throttle(100)] {
            proxy.set(fault);
            let begun = std::time::Instant::now();
            ask(&client, b"hello").unwrap();
            assert!(begun.elapsed() >= Duration::from_millis(100), "{fault:?}: both ways");
        }
    }
}
