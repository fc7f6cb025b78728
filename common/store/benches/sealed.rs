//! What encryption costs: uploads and downloads through the store, as they are
//! and encrypted, in turns, so that both meet the same disk and neighbours.
//!
//! `read` gives the bytes to nobody, and shows the whole cost of the cipher
//! beside a copy from the page cache. `download` sends them through a socket
//! of this machine, as a client would have them.

use bytes::Bytes;
use futures_util::TryStreamExt;
use heim_common::{ObjectSecret, key::ObjectKey};
use heim_store::{Body, Store, StoreConfig};
use std::{
    io::{IoSlice, Read, Write},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const ROUNDS: usize = 60;
const OBJECT_BYTES: usize = 16 << 20;
/// As large as the chunks that come from a socket.
const SLICE_BYTES: usize = 16 << 10;

#[tokio::main]
#[expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench speaks to its user and may fail")]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let store =
        Store::open(&StoreConfig { url: format!("file://{}", folder.path().display()), ..StoreConfig::default() })
            .unwrap();
    let original = Bytes::from((0..=250u8).cycle().take(OBJECT_BYTES).collect::<Vec<u8>>());
    let secret = ObjectSecret::new([7; 32]);
    let mut client = client().await;
    let (mut uploads, mut reads, mut downloads) =
        (<[Vec<Duration>; 2]>::default(), Default::default(), Default::default());
    for round in 0..ROUNDS {
        // Whoever comes first in one round comes last in the next.
        for kind in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            let secret = (kind == 1).then_some(&secret);
            let key = ObjectKey::from_stored(format!("media/bench/{kind}/original"));
            timed(&mut uploads, kind, upload(&store, &key, secret, &original)).await;
            let body = async || store.read(&key, secret, None).await.unwrap();
            timed(&mut reads, kind, async { body().await.try_for_each(async |_| Ok(())).await.unwrap() }).await;
            timed(&mut downloads, kind, async { send(body().await, &mut client).await }).await;
        }
    }
    for (what, [plain, sealed]) in [("upload", uploads), ("read", reads), ("download", downloads)] {
        let (plain, sealed) = (megabytes_per_second(plain), megabytes_per_second(sealed));
        println!("{what:<9} plain {plain:>6.0} MB/s  encrypted {sealed:>6.0} MB/s  ratio {:.2}", sealed / plain);
    }
}

async fn timed(times: &mut [Vec<Duration>; 2], kind: usize, work: impl Future<Output = ()>) {
    let began = Instant::now();
    work.await;
    times[kind].push(began.elapsed());
}

#[expect(clippy::unwrap_used, reason = "a bench may fail")]
async fn upload(store: &Store, key: &ObjectKey, secret: Option<&ObjectSecret>, original: &Bytes) {
    let mut writer = store.writer(key, secret).await.unwrap();
    for at in (0..OBJECT_BYTES).step_by(SLICE_BYTES) {
        writer.write(original.slice(at..OBJECT_BYTES.min(at + SLICE_BYTES))).await.unwrap();
    }
    writer.finish().await.unwrap();
}

/// A socket whose other end reads all that comes and says when an object has
/// come.
#[expect(clippy::unwrap_used, reason = "a bench may fail")]
async fn client() -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut end = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    std::thread::spawn(move || {
        let mut buffer = vec![0; OBJECT_BYTES];
        while end.read_exact(&mut buffer).is_ok() {
            end.write_all(b"!").unwrap();
        }
    });
    listener.accept().await.unwrap().0
}

/// Sends as a server does: all that is there, by one call.
#[expect(clippy::unwrap_used, reason = "a bench may fail")]
async fn send(body: Body, client: &mut TcpStream) {
    let mut ready = body.try_ready_chunks(16);
    while let Some(chunks) = ready.try_next().await.unwrap() {
        let mut slices: Vec<IoSlice<'_>> = chunks.iter().map(|chunk| IoSlice::new(chunk)).collect();
        let mut rest = &mut slices[..];
        while !rest.is_empty() {
            let sent = client.write_vectored(rest).await.unwrap();
            IoSlice::advance_slices(&mut rest, sent);
        }
    }
    client.read_u8().await.unwrap();
}

/// Of the round at the first quartile: what else the machine does only ever
/// makes a round slower.
fn megabytes_per_second(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let bytes = u32::try_from(OBJECT_BYTES).map_or(f64::INFINITY, f64::from);
    bytes / 1e6 / times[times.len() / 4].as_secs_f64()
}
