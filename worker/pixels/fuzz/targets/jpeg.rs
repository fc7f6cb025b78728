//! JPEG: our walk over its segments, and libjpeg-turbo.
#![no_main]

use heim_common::header::Format;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|file: &[u8]| -> Corpus { heim_fuzz::still(Format::Jpeg, file) });
