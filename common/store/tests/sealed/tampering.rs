//! Files that were changed in their place.

use crate::disk::{CHUNK, Disk, HEADER, TAG, key, sample, secret};
use heim_store::StoreError;

#[tokio::test]
async fn every_bit_of_a_small_object_counts() {
    let disk = Disk::new();
    for size in [0, 1, 100] {
        let plaintext = sample(size, 1);
        let file = disk.put("original", &plaintext).await;
        assert_eq!(file.len(), HEADER + size + TAG);
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            disk.refuses(&changed, b"", &format!("bit {bit} of {size} bytes")).await;
        }
    }
}

#[tokio::test]
async fn a_bit_of_any_chunk_counts_and_those_before_it_are_true() {
    let disk = Disk::new();
    let plaintext = sample(2 * CHUNK + 100, 1);
    let file = disk.put("original", &plaintext).await;
    let sealed = CHUNK + TAG;
    let edges = (0..=2).flat_map(|chunk| {
        let (begin, end) = (HEADER + chunk * sealed, (HEADER + (chunk + 1) * sealed).min(file.len()));
        [begin, begin + 1, begin + 77, end - TAG - 1, end - TAG, end - 1].map(|at| (chunk, at))
    });
    for (chunk, at) in edges.collect::<Vec<_>>() {
        let mut changed = file.clone();
        changed[at] ^= 0x10;
        disk.refuses(&changed, &plaintext[..chunk * CHUNK], &format!("byte {at}")).await;
        for other in 0..=2 {
            let range = other * CHUNK..(other * CHUNK + 50);
            let (bytes, error) = disk.read("original", &secret(), Some(range.start as u64..range.end as u64)).await;
            assert_eq!(error.is_some_and(|error| error.is_tampered()), other == chunk, "chunk {other}, byte {at}");
            assert!(bytes == if other == chunk { &[] } else { &plaintext[range] });
        }
    }
}

#[tokio::test]
async fn a_cut_is_found_out_wherever_it_is() {
    let disk = Disk::new();
    let plaintext = sample(100, 1);
    let file = disk.put("original", &plaintext).await;
    for length in 0..file.len() {
        disk.refuses(&file[..length], b"", &format!("cut at {length}")).await;
    }
    let plaintext = sample(3 * CHUNK, 1);
    let file = disk.put("original", &plaintext).await;
    let sealed = CHUNK + TAG;
    let ends = [0, 1, 2, 3].map(|chunks| HEADER + chunks * sealed);
    let lengths = ends.iter().flat_map(|end| end.saturating_sub(20)..=end + 20).filter(|length| *length < file.len());
    for length in lengths {
        disk.refuses(&file[..length], &plaintext, &format!("cut at {length}")).await;
    }
}

#[tokio::test]
async fn no_range_of_a_cut_object_is_wrong() {
    let disk = Disk::new();
    let plaintext = sample(3 * CHUNK, 1);
    let file = disk.put("original", &plaintext).await;
    for length in [HEADER + CHUNK + TAG, HEADER + 2 * (CHUNK + TAG), HEADER + 2 * (CHUNK + TAG) + 500] {
        disk.plant("original", &file[..length]);
        for start in (0..3 * CHUNK).step_by(CHUNK / 4) {
            let range = start as u64..start as u64 + 70_000;
            let (bytes, error) = disk.read("original", &secret(), Some(range)).await;
            assert!(plaintext[start..].starts_with(&bytes), "{start} of {length}");
            assert!(error.is_none_or(|error| error.is_tampered() || matches!(error, StoreError::OutOfRange { .. })));
        }
    }
}

#[tokio::test]
async fn an_extension_is_found_out() {
    let disk = Disk::new();
    for size in [0, 100, CHUNK, CHUNK + 100] {
        let plaintext = sample(size, 1);
        let file = disk.put("original", &plaintext).await;
        for more in [1, 15, 16, 17, 100, CHUNK, CHUNK + TAG, CHUNK + TAG + 1, CHUNK + 2 * TAG + 1] {
            let longer = [&file[..], &vec![0; more]].concat();
            disk.refuses(&longer, &plaintext, &format!("{size} and {more} more")).await;
        }
        let last = file[HEADER + size / (CHUNK + 1) * (CHUNK + TAG)..].to_vec();
        disk.refuses(&[&file[..], &last].concat(), &plaintext, &format!("{size} and its end again")).await;
    }
}

#[tokio::test]
async fn a_size_that_no_object_has_is_found_out() {
    let disk = Disk::new();
    let file = disk.put("original", &sample(CHUNK, 1)).await;
    for more in 1..=TAG {
        disk.plant("original", &[&file[..], &vec![0; more]].concat());
        let error = disk.store.size(&key("original"), true).await.unwrap_err();
        assert!(error.is_tampered());
    }
    disk.plant("original", b"");
    assert!(disk.store.size(&key("original"), true).await.unwrap_err().is_tampered());
    let (_, error) = disk.read("original", &secret(), Some(0..1)).await;
    assert!(error.unwrap().is_tampered());
}
