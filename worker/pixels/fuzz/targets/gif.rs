//! GIF: its first frame, and our count of them all.
#![no_main]

use heim_common::header::Format;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|file: &[u8]| -> Corpus { heim_fuzz::still(Format::Gif, file) });
