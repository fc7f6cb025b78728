//! Whatever can grow has a bound. What can grow is found by its words; each
//! place is in the table with the name of what bounds it, and that name must
//! stand there. The table only shrinks.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folders of what runs in production.
const SOURCES: [&str; 9] = [
    "common/src",
    "common/db/src",
    "common/queue/src",
    "common/runtime/src",
    "common/store/src",
    "coordinator/src",
    "standalone/src",
    "worker/pixels/src",
    "worker/src",
];

/// Words of things that grow with what comes from outside.
const GROWING: [&str; 9] = [
    "unbounded_channel()",
    "threads::channel()",
    "VecDeque<",
    "Mutex<HashMap<",
    "Mutex<BTreeMap<",
    "Mutex<Vec<",
    "to_bytes(",
    "read_to_end(",
    ".bytes().await",
];

/// Where they are, and the words of what bounds them there.
const BOUNDED: &[(&str, &str, &str)] = &[
    ("common/queue/src/in_process.rs", "lane_max", "a lane takes a few windows"),
    ("common/runtime/src/traces.rs", "trace_id()", "the bytes of an id"),
    ("common/store/src/bucket/keys/file.rs", "BYTES_MAX", "a file of keys"),
    ("common/store/src/bucket/unfinished.rs", "max-uploads", "a page of a listing of the bucket"),
    ("common/store/src/stored.rs", "take(", "a chunk"),
    ("coordinator/src/keys/keyring.rs", "KEPT_MAX", "keys that were used lately"),
    ("coordinator/src/ops/door.rs", "FORM_BYTES_MAX", "a form of the dashboard"),
    ("coordinator/src/passcode.rs", "ROOMS_MAX", "rooms at which somebody guesses"),
    (
        "coordinator/src/rooms/chairs.rs",
        "remove",
        "agents with a session here, of which `limits.connections_max` bounds the number",
    ),
    ("coordinator/src/rooms/hub.rs", "Sessions", "sessions here, of which `limits.connections_max` bounds the number"),
    ("coordinator/src/rooms/outbox.rs", "Semaphore::new(", "what a socket has not read yet, by its bytes"),
    ("coordinator/src/rooms/seen.rs", "NUMBERS_MAX", "news that were heard lately"),
    ("coordinator/src/rooms/viewed.rs", "VIEWED_MAX", "objects that a session has seen"),
    ("coordinator/src/routes/hooks.rs", "json_bytes_max", "a hook's body"),
    ("worker/src/children/inside.rs", "take(size)", "an original, of the size that was announced"),
    ("worker/src/jobs/account.rs", "&'static str", "stages of an attempt, whose names are the program's own words"),
    ("worker/src/children/pool.rs", "Semaphore", "one order for each slot that is free"),
];

/// How far from its head a loop that waits for something says so.
const LOOP_LINES: usize = 60;
const FAILPOINTS: &str = "common/runtime/src/failpoint.rs";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the sources").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() && !entry.ends_with("tests") {
            walk(&entry, found);
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            found.push(entry);
        }
    }
}

/// What runs, without the tests at a file's end and without comments.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in SOURCES {
        walk(&root().join(folder), &mut files);
    }
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source");
        let runs = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines: Vec<_> = runs.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let name = path.strip_prefix(root()).expect("it was found there").display().to_string();
        (name, lines.join("\n"))
    };
    files.into_iter().map(read).collect()
}

/// Whether a channel's capacity is a name or a sum of names, and none of a
/// caller's wishes.
fn capacities(text: &str) -> impl Iterator<Item = &str> {
    let made = ["mpsc::channel(", "broadcast::channel(", "sync_channel("].into_iter();
    made.flat_map(|word| text.split(word).skip(1)).filter_map(|rest| rest.split(')').next())
}

#[test]
fn every_loop_buffer_and_queue_has_a_bound() {
    let sources = sources();
    assert!(sources.len() > 100, "the sources are elsewhere: {}", sources.len());
    for (name, text) in &sources {
        let growing: Vec<_> = GROWING.iter().filter(|word| text.contains(**word)).collect();
        let bound = BOUNDED.iter().find(|(file, ..)| file == name);
        match bound {
            None => assert!(growing.is_empty(), "{name}: what bounds {growing:?}? Name it in this test's table"),
            Some((_, bound, what)) => {
                assert!(!growing.is_empty(), "{name}: nothing grows there any more: {what}");
                assert!(text.contains(bound), "{name}: `{bound}` bounds {what}, and is not there");
            }
        }
        for capacity in capacities(text) {
            assert!(!capacity.trim().is_empty(), "{name}: a channel without a bound");
        }
        // A picture of a test's own may ask for a loop without an end, in the tests' build.
        if name == FAILPOINTS {
            continue;
        }
        let lines: Vec<_> = text.lines().collect();
        for (place, _) in lines.iter().enumerate().filter(|(_, line)| line.trim_end().ends_with("loop {")) {
            let body = &lines[place + 1..lines.len().min(place + LOOP_LINES)];
            let ends = ["break", "return", ".await", "?;"];
            let is_bounded = body.iter().any(|line| ends.iter().any(|word| line.contains(word)));
            assert!(is_bounded, "{name}: a loop that neither ends nor waits");
        }
    }
    for (file, ..) in BOUNDED {
        assert!(sources.iter().any(|(name, _)| name == file), "{file} is gone: remove it here");
    }
}
