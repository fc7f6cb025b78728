//! No plaintext and no key of a private room on any disk, in Redis, in a log: a
//! whole life with planted secrets, and then a search for them in every byte
//! that was written.

mod fleet;
mod keys;
mod life;
mod needles;
mod redis;
mod standalone;
mod watched;

use fleet::Fleet;
use life::{PUBLIC_NICK, PUBLIC_PICTURED, PUBLIC_SAID, Planted, live};
use needles::Needles;
use standalone::Standalone;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use watched::{CONTROL, crash_on_purpose};

/// Searches these places for all that was planted. Only the files of the master
/// keys, which are named, may hold them, and nothing else.
fn assert_nowhere(planted: &Needles, places: &[&Path], key_files: &[PathBuf]) {
    for place in places {
        for (name, mut files) in planted.found_in(place) {
            if name == "a master key" {
                files.retain(|file| !key_files.contains(file));
            }
            assert!(files.is_empty(), "{name} lies in {files:#?}");
        }
    }
    let known: BTreeSet<_> = key_files.iter().flat_map(|file| planted.found_in(file).into_keys()).collect();
    assert_eq!(known, BTreeSet::from(["a master key".to_owned()]), "the search finds it where it has to be");
}

/// Searches a place for what must be there, so that the search is known to find
/// what is there.
fn assert_found(what: &str, place: &Path) {
    let mut needles = Needles::default();
    needles.add(what, what.as_bytes());
    assert!(!needles.found_in(place).is_empty(), "{what} is not found in {}: what else was not?", place.display());
}

/// What must be found in the files of any deployment.
async fn assert_the_search_works(root: &Path, store: &Path, planted: &Planted) {
    let processes = root.join("processes");
    assert_found(CONTROL, &processes);
    assert_found(&planted.public.to_string(), &processes);
    assert_found(PUBLIC_PICTURED, store);
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").expect("Linux has it");
    let crashed = root.join("crashed");
    // Cores may be piped to a handler; whether ours are allowed is looked at in
    // their limits.
    assert!(crash_on_purpose(&crashed).await || pattern.starts_with(['|', '/']), "no core dump: {pattern}");
    if !pattern.starts_with(['|', '/']) {
        assert_found(CONTROL, &crashed);
    }
}

#[tokio::test]
async fn planted_secrets_are_found_nowhere_in_a_fleet() {
    let mut fleet = Fleet::start().await;
    let planted = live(&mut fleet).await;
    let root = fleet.root.path().to_owned();
    let [cluster, redis] = fleet.crash_and_dump().await;
    let key_files = [root.join(fleet::CONFIGURATION), root.join(fleet::KEY_FILE)];
    assert_nowhere(&planted.needles, &[&root, &cluster, &redis], &key_files);

    assert_the_search_works(&root, &root.join("store"), &planted).await;
    for (what, place) in [
        (PUBLIC_SAID, root.join("dump.sql")),
        (PUBLIC_SAID, cluster.join("data/base")),
        (PUBLIC_SAID, cluster.join("data/pg_wal")),
        (PUBLIC_NICK, root.join("monitor")),
        ("heim:jobs:interactive", redis),
    ] {
        assert_found(what, &place);
    }
}

#[tokio::test]
async fn planted_secrets_are_found_nowhere_in_one_process() {
    let mut standalone = Standalone::start().await;
    let planted = live(&mut standalone).await;
    let root = standalone.root.path().to_owned();
    standalone.crash().await;
    assert_nowhere(&planted.needles, &[&root], &[root.join(standalone::KEY_FILE)]);

    assert_the_search_works(&root, &root.join("data/store"), &planted).await;
    assert!(root.join("data/heim.db-wal").exists(), "it crashed");
    for what in [PUBLIC_SAID, PUBLIC_NICK] {
        assert_found(what, &root.join("data"));
    }
}
