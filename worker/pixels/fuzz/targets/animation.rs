//! GIF and WebP that move, to WebP that moves.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|file: &[u8]| -> Corpus { heim_fuzz::moving(file) });
