//! A balancer before several coordinators, as small as one can be: each
//! connection goes to the next of them that takes it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

/// How often, and how long apart, all of them are tried.
const ROUNDS: usize = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// A running balancer. Its end cuts every connection.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    cuts: watch::Sender<u32>,
}

impl Balancer {
    /// Starts one before these servers.
    ///
    /// # Panics
    /// If there is no port left.
    #[must_use]
    pub fn before(bases: &[&str]) -> Self {
        let backends: Vec<_> = bases.iter().map(|base| crate::raw::authority(base).to_owned()).collect();
        let (cuts, cut) = watch::channel(0);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener can be made so");
        let address = listener.local_addr().expect("it is bound");
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(accept(listener, backends, cut));
        });
        Self { address, cuts }
    }

    /// Where clients go: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts every connection: whoever comes back comes to the next server.
    pub fn move_all(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn accept(listener: std::net::TcpListener, backends: Vec<String>, mut cut: watch::Receiver<u32>) {
    let listener = TcpListener::from_std(listener).expect("it is not blocking");
    let (backends, next) = (Arc::new(backends), Arc::new(AtomicUsize::new(0)));
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                let mut cut = cut.clone();
                cut.mark_unchanged();
                let passed = pass(client, Arc::clone(&backends), Arc::clone(&next));
                // Ends with the balancer too: `changed` fails then.
                tokio::spawn(async move {
                    tokio::select! {
                        () = passed => {}
                        _ = cut.changed() => {}
                    }
                });
            }
            // The balancer was dropped.
            () = async { while cut.changed().await.is_ok() {} } => return,
        }
    }
}

async fn pass(mut client: TcpStream, backends: Arc<Vec<String>>, next: Arc<AtomicUsize>) {
    let _ = client.set_nodelay(true);
    let first = next.fetch_add(1, Ordering::Relaxed);
    for round in 0..ROUNDS {
        for place in 0..backends.len() {
            if let Ok(mut server) = TcpStream::connect(&backends[(first + place) % backends.len()]).await {
                let _ = server.set_nodelay(true);
                let _ = copy_bidirectional(&mut client, &mut server).await;
                return;
            }
        }
        // All of them are away; the first may be back.
        if round + 1 < ROUNDS {
            sleep(PAUSE).await;
        }
    }
}
