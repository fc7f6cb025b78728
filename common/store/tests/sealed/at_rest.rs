//! What can be seen on the disk.

use crate::disk::{CHUNK, Disk, HEADER, key, sample, secret};
use bytes::Bytes;
use std::{collections::HashSet, fs};

const CANARY: &[u8] = b"canary-in-a-private-picture-5b1f";

/// Text that says the same thing again and again.
fn canaries(bytes: usize) -> Bytes {
    CANARY.iter().copied().cycle().take(bytes).collect::<Vec<u8>>().into()
}

fn shows_canary(file: &[u8]) -> bool {
    file.windows(8).any(|window| window == &CANARY[..8])
}

#[tokio::test]
async fn two_writes_of_the_same_have_nothing_in_common() {
    let disk = Disk::new();
    let plaintext = canaries(2 * CHUNK + 100);
    let mut seen = HashSet::new();
    for name in ["original", "original", "thumb.v1"] {
        let file = disk.put(name, &plaintext).await;
        assert_eq!(&file[..8], b"HEIMENC1");
        // By windows of every offset: 2^64 is far more than there are of them.
        for window in file[8..].windows(8) {
            assert!(seen.insert(window.to_vec()), "{name} repeats something");
        }
    }
}

#[tokio::test]
async fn no_plaintext_is_on_the_disk_while_a_write_is_under_way_or_after_it() {
    let disk = Disk::new();
    let plaintext = canaries(5 << 20);
    let staged = disk.path("original#1");
    let mut writer = disk.store.writer(&key("original"), Some(&secret())).await.unwrap();
    let mut largest = 0;
    for at in (0..plaintext.len()).step_by(100_000) {
        writer.write(plaintext.slice(at..plaintext.len().min(at + 100_000))).await.unwrap();
        let file = fs::read(&staged).unwrap_or_default();
        assert!(!shows_canary(&file), "after {at} bytes");
        assert!(file.is_empty() || file.starts_with(b"HEIMENC1"));
        largest = largest.max(file.len());
    }
    assert!(largest >= 3 << 20, "the staging file was not where it was looked for");
    writer.finish().await.unwrap();
    assert!(!shows_canary(&fs::read(disk.path("original")).unwrap()));
    assert_eq!(disk.read("original", &secret(), None).await.0, plaintext);
}

#[tokio::test]
async fn an_object_is_as_large_as_it_has_to_be() {
    let disk = Disk::new();
    for (size, chunks) in [(0, 1), (1, 1), (CHUNK - 1, 1), (CHUNK, 1), (CHUNK + 1, 2), (2 * CHUNK, 2), (5 << 20, 80)] {
        let plaintext = sample(size, 1);
        assert_eq!(disk.put("original", &plaintext).await.len(), HEADER + size + 16 * chunks);
        assert_eq!(disk.store.size(&key("original"), true).await.unwrap(), Some(size as u64));
        let (bytes, error) = disk.read("original", &secret(), None).await;
        assert!(error.is_none() && bytes == plaintext, "{size}");
    }
}

#[tokio::test]
async fn every_range_is_what_was_stored_there() {
    let disk = Disk::new();
    let size = 10 * CHUNK + 333;
    let plaintext = sample(size, 1);
    disk.put("original", &plaintext).await;
    let edges = (0..=10).flat_map(|chunk| [chunk * CHUNK, chunk * CHUNK + 1, (chunk * CHUNK).saturating_sub(1)]);
    let edges: Vec<usize> = edges.chain([size - 1, size, size + 7, 100_000, 500_000]).collect();
    for &start in edges.iter().filter(|&&start| start < size) {
        for &end in edges.iter().filter(|&&end| end > start) {
            let (bytes, error) = disk.read("original", &secret(), Some(start as u64..end as u64)).await;
            assert!(error.is_none() && bytes == plaintext[start..end.min(size)], "{start}..{end}");
        }
    }
}

#[tokio::test]
async fn a_range_reads_its_chunks_and_no_other() {
    let disk = Disk::new();
    let plaintext = sample(10 * CHUNK, 1);
    let mut file = disk.put("original", &plaintext).await;
    // All but the header and the chunks 4 and 5 is gone.
    let sealed = CHUNK + 16;
    file[HEADER..HEADER + 4 * sealed].fill(0);
    file[HEADER + 6 * sealed..].fill(0);
    disk.plant("original", &file);
    let range = 4 * CHUNK..6 * CHUNK;
    let (bytes, error) = disk.read("original", &secret(), Some(range.start as u64..range.end as u64)).await;
    assert!(error.is_none() && bytes == plaintext[range]);
}
