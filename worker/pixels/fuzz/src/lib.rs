//! What every fuzz target does with a file: the promises that hold for each are
//! the same that `tests/fuzzed.rs` holds the kept files to.

#[path = "../../tests/promises/mod.rs"]
mod promises;

use heim_common::header::{Format, Header};
use libfuzzer_sys::Corpus;

/// A file of this format becomes stills. Others teach nothing about its decoder.
pub fn still(format: Format, file: &[u8]) -> Corpus {
    if Format::sniff(file) != Some(format) {
        return Corpus::Reject;
    }
    promises::kept_for(file, &promises::stills());
    Corpus::Keep
}

/// What says that it moves goes on moving.
pub fn moving(file: &[u8]) -> Corpus {
    let moves = |header: Header| matches!(header.format, Format::Gif | Format::Webp) && header.animated;
    if !Header::read(file).is_some_and(moves) {
        return Corpus::Reject;
    }
    promises::kept_for(file, &promises::moving());
    Corpus::Keep
}

/// A file is looked at, and not decoded.
pub fn header(file: &[u8]) -> Corpus {
    if Format::sniff(file).is_none() {
        return Corpus::Reject;
    }
    promises::kept_for_header(file);
    Corpus::Keep
}
