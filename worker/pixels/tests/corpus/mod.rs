//! Real photos and hostile files, read from the corpus beside the repository.

use std::{fs, path::PathBuf};

/// A file of the corpus.
pub(crate) fn read(path: &str) -> Vec<u8> {
    let whole = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus").join(path);
    fs::read(&whole).unwrap_or_else(|error| {
        panic!("these tests need the picture corpus at ../shared/corpus beside the repository; {path}: {error}")
    })
}
