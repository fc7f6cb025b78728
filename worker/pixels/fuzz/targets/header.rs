//! The parsers by which a coordinator looks at the beginning of an upload.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|file: &[u8]| -> Corpus { heim_fuzz::header(file) });
