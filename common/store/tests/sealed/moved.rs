//! Files and chunks that are true, but not in their place.

use crate::disk::{CHUNK, Disk, HEADER, TAG, key, sample, secret};
use bytes::Bytes;
use heim_common::ObjectSecret;

const SEALED: usize = CHUNK + TAG;

/// Header and chunks of a file.
fn parts(file: &[u8]) -> Vec<&[u8]> {
    let (header, chunks) = file.split_at(HEADER);
    std::iter::once(header).chain(chunks.chunks(SEALED)).collect()
}

#[tokio::test]
async fn chunks_stay_in_their_places() {
    let disk = Disk::new();
    let plaintext = sample(4 * CHUNK, 1);
    let file = disk.put("original", &plaintext).await;
    let parts = parts(&file);
    // Every order and choice of four chunks, up to five of them.
    let mut orders = vec![Vec::new()];
    for length in 0..5 {
        let longer = orders.iter().filter(|order| order.len() == length);
        let longer: Vec<_> = longer.flat_map(|order| (1..=4).map(|chunk| [&order[..], &[chunk]].concat())).collect();
        orders.extend(longer);
    }
    assert_eq!(orders.len(), 1 + 4 + 16 + 64 + 256 + 1024);
    for order in orders {
        let chunks: Vec<&[u8]> = order.iter().map(|&chunk: &usize| parts[chunk]).collect();
        let other = [parts[0], &chunks.concat()].concat();
        if order == [1, 2, 3, 4] {
            assert!(other == file);
        } else {
            let right = order.iter().zip(1..).take_while(|(chunk, place)| *chunk == place).count();
            disk.refuses(&other, &plaintext[..right * CHUNK], &format!("{order:?}")).await;
        }
    }
}

#[tokio::test]
async fn nothing_of_another_file_fits() {
    let disk = Disk::new();
    // The same plaintext, key and secret: only the salts differ.
    let plaintext = sample(2 * CHUNK + 9, 1);
    let (one, two) = (disk.put("original", &plaintext).await, disk.put("original", &plaintext).await);
    let (one, two) = (parts(&one), parts(&two));
    for part in 0..one.len() {
        let mut mixed = one.clone();
        mixed[part] = two[part];
        disk.refuses(&mixed.concat(), &plaintext, &format!("part {part}")).await;
    }
    // Other objects of the same secret, whole and in parts.
    let other = disk.put("thumb.v1", &plaintext).await;
    disk.refuses(&other, b"", "another object's file").await;
    let spliced = [one[0], one[1], parts(&other)[2], one[3]].concat();
    disk.refuses(&spliced, &plaintext[..CHUNK], "another object's chunk").await;
}

#[tokio::test]
async fn another_secret_opens_nothing() {
    let disk = Disk::new();
    disk.put("original", &sample(100, 1)).await;
    for bit in [0, 100, 255] {
        let mut bytes = *secret().expose();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let (bytes, error) = disk.read("original", &ObjectSecret::new(bytes), None).await;
        assert!(bytes.is_empty() && error.unwrap().is_tampered());
    }
}

#[tokio::test]
async fn what_was_stored_as_it_is_does_not_pass_for_encrypted() {
    let disk = Disk::new();
    for size in [0, 1, 39, 40, 56, 100, CHUNK + 200] {
        let picture: Bytes = [b"\x89PNG\r\n\x1a\n", &sample(size, 1)[..]].concat()[..size].to_vec().into();
        disk.store.put(&key("original"), None, picture).await.unwrap();
        let (bytes, error) = disk.read("original", &secret(), None).await;
        assert!(bytes.is_empty() && error.unwrap().is_tampered(), "{size}");
    }
}
