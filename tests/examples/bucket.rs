//! `bucket FOLDER PORT KEYS`: an S3 server on the loopback, over a folder in which each
//! folder is a bucket. `make demo-fleet` keeps its bytes in it. It is the tests' own, and
//! no place for pictures that one would miss.
//!
//! Requests are signed with the pair of keys in the file KEYS, which is written as
//! `store.credentials_file` is.

use heim_tests::s3::S3;
use std::{env, fs, io::Write, path::Path, thread};

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [folder, port, keys] = arguments.as_slice() else { panic!("bucket FOLDER PORT KEYS") };
    let port = port.parse().unwrap_or_else(|error| panic!("{port}: {error}"));
    let keys = fs::read_to_string(keys).unwrap_or_else(|error| panic!("{keys}: {error}"));
    let server = S3::over(Path::new(folder), port);
    server.accept_keys(value(&keys, "aws_access_key_id"), value(&keys, "aws_secret_access_key"));
    // Nobody reads what cannot be printed.
    let _ = writeln!(std::io::stdout(), "ready http://127.0.0.1:{}", server.port());
    // Until a signal ends it.
    loop {
        thread::park();
    }
}

/// What stands behind `name =` in a file of keys.
fn value<'a>(keys: &'a str, name: &str) -> &'a str {
    let pairs = keys.lines().filter_map(|line| line.split_once('='));
    let mut values = pairs.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
    values.next().unwrap_or_else(|| panic!("no {name}"))
}
