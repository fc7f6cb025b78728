//! What fuzzing has found stays harmless. The files are kept beside this test,
//! and each is held to all that is promised of any.

mod promises;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/fuzz"))
}

/// The kept files, by name.
fn kept() -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder()).expect("the folder is there").map(|entry| entry.expect("readable").path());
    entries
        .filter(|path| !path.ends_with("README.md"))
        .map(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            (name, fs::read(path).expect("readable"))
        })
        .collect()
}

#[test]
fn what_fuzzing_found_harms_nothing() {
    let files = kept();
    assert!(!files.is_empty(), "nothing is kept");
    for (name, file) in files {
        // The name is seen where it fails.
        println!("{name}: {:?}", promises::kept_for(&file, &promises::stills()).ended);
        println!("{name}, moving: {:?}", promises::kept_for(&file, &promises::moving()).ended);
        promises::kept_for_header(&file);
    }
}

#[test]
fn it_is_written_down_of_each_file_why_it_is_kept() {
    let page = fs::read_to_string(folder().join("README.md")).expect("README.md is there");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let named: BTreeSet<String> = rows.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(named, kept().into_keys().collect::<BTreeSet<_>>());
}
