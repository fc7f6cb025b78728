//! Each place at which a process can be made to die is on some way through the
//! sources, and some test has it die there.

use heim_runtime::failpoint::Point;
use std::{fs, path::Path, process::Command};

/// The sources that git knows or would take in, without the one that has the names.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
        .current_dir(root)
        .output()
        .expect("git runs");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).expect("names are UTF-8");
    let others = names.lines().filter(|name| !name.ends_with("failpoint.rs") && !name.ends_with("rules/failpoints.rs"));
    let read = |name: &str| Some((name.to_owned(), fs::read_to_string(root.join(name)).ok()?));
    others.filter_map(read).collect()
}

#[test]
fn every_failpoint_is_used_by_a_test() {
    let is_test = |name: &str| name.starts_with("tests/tests/") || name.contains("/tests/");
    let (tests, runs): (Vec<_>, Vec<_>) = sources().into_iter().partition(|(name, _)| is_test(name));
    for point in Point::ALL {
        let (word, name) = (point.as_str(), format!("{point:?}"));
        let places = runs.iter().map(|(_, text)| text.matches(&format!("failpoint!({name})")).count());
        assert_eq!(places.sum::<usize>(), 1, "{word} is one place on the way");
        let variant = format!("Point::{name}");
        let is_named = |text: &str| {
            let mut rests = text.split(variant.as_str()).skip(1);
            rests.any(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        let is_planned = |text: &str| text.contains(&format!("\"{word}\"")) || text.contains(&format!("\"{word}="));
        let is_used = tests.iter().any(|(_, text)| is_named(text) || is_planned(text));
        assert!(is_used, "no test has a process die or wait at {word}");
    }
}
