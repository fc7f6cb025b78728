//! How long a 4 MB upload takes, beside what the disk takes to sync it.

use bytes::Bytes;
use heim_common::key::ObjectKey;
use heim_store::{Store, StoreConfig};
use std::{
    fs::File,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

const UPLOADS: usize = 40;
const UPLOAD_BYTES: usize = 4_000_000;
/// As large as the chunks that come from a socket.
const CHUNK_BYTES: usize = 16 << 10;

#[tokio::main]
#[expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench speaks to its user and may fail")]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let store =
        Store::open(&StoreConfig { url: format!("file://{}", folder.path().display()), ..StoreConfig::default() })
            .unwrap();
    let original = Bytes::from((0..=250u8).cycle().take(UPLOAD_BYTES).collect::<Vec<u8>>());
    let (mut streamed, mut finished, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for upload in 0..UPLOADS {
        let key = ObjectKey::from_stored(format!("media/bench/{upload}/original"));
        let began = Instant::now();
        let mut writer = store.writer(&key, None).await.unwrap();
        for at in (0..UPLOAD_BYTES).step_by(CHUNK_BYTES) {
            writer.write(original.slice(at..UPLOAD_BYTES.min(at + CHUNK_BYTES))).await.unwrap();
        }
        streamed.push(began.elapsed());
        writer.finish().await.unwrap();
        finished.push(began.elapsed());
        bare.push(write_and_sync(&folder.path().join(format!("bare{upload}")), &original).unwrap());
    }
    for (what, times) in [("streamed", streamed), ("finished", finished), ("plain write + fsync", bare)] {
        println!("4 MB {what:<20} {}", summary(times));
    }
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> std::io::Result<Duration> {
    let began = Instant::now();
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(began.elapsed())
}

fn summary(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    format!("p50 {:>8.2?}  p95 {:>8.2?}", times[times.len() / 2], times[times.len() * 95 / 100])
}
