//! What every kind of store must do.

mod folders;
mod reading;
mod writing;

pub(crate) use folders::*;
pub(crate) use reading::*;
pub(crate) use writing::*;

use crate::Backing;
use bytes::Bytes;
use futures_util::TryStreamExt;
use heim_common::key::ObjectKey;
use std::{ops::Range, time::Duration};

fn key(name: &str) -> ObjectKey {
    ObjectKey::from_stored(format!("media/0c1ofy/0c1ofy7941g5c/{name}"))
}

fn sample(bytes: usize, seed: u8) -> Bytes {
    // Two cycles of coprime lengths: no two parts are alike.
    (0..=255u8).cycle().zip((0..=250u8).cycle()).map(|(a, b)| a ^ b ^ seed).take(bytes).collect::<Vec<u8>>().into()
}

async fn read(backing: &impl Backing, key: &ObjectKey, range: Option<Range<u64>>) -> Vec<u8> {
    let chunks: Vec<Bytes> =
        backing.store().read(key, backing.secret(), range).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

/// What is dropped is removed in the background: waits for it, with a bound.
async fn becomes_empty(backing: &impl Backing) {
    let empty = async {
        while !backing.everything().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let emptied = tokio::time::timeout(Duration::from_secs(10), empty).await;
    assert!(emptied.is_ok(), "left behind: {:?}", backing.everything().await);
}
