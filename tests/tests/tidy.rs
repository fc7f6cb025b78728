//! What no check holds, drifts: the house's habits as a test. The lists of
//! exceptions only shrink.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Longest source file, in lines.
const LINES_MAX: usize = 400;
/// Names that say nothing of what is in a file.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helpers", "misc", "types", "manager", "common"];
/// Words that the house does not use for its own things.
const FOREIGN_WORDS: &[&str] = &["todo!", "unimplemented!", "#[allow(", "#[ignore"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// The files git knows or would take in, by ending.
fn sources(endings: &[&str]) -> Vec<(PathBuf, String)> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("names are UTF-8");
    let wanted = |name: &&str| endings.iter().any(|ending| name.ends_with(ending)) && root().join(name).is_file();
    let files: Vec<_> = names.lines().filter(wanted).map(PathBuf::from).collect();
    assert!(!files.is_empty(), "no files with {endings:?}: is this a checkout?");
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(root().join(&path)).expect("readable"))).collect()
}

#[test]
fn no_source_file_is_too_long() {
    for (path, text) in sources(&[".rs", ".js", ".mjs", ".css"]) {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{}: {lines} lines; split it by idea", path.display());
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for (path, text) in sources(&[".rs"]) {
        assert!(text.starts_with("//!"), "{}: does not open with //!", path.display());
    }
}

#[test]
fn names_say_what_is_in_a_file() {
    for (path, _) in sources(&[".rs", ".js"]) {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        assert!(!EMPTY_NAMES.contains(&stem), "{}", path.display());
    }
}

#[test]
fn nothing_is_left_undone_or_silenced() {
    for (path, text) in sources(&[".rs"]) {
        if path.ends_with("tests/tests/tidy.rs") {
            continue;
        }
        for word in FOREIGN_WORDS {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

#[test]
fn architecture_names_only_tests_that_exist() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let all: String = sources(&[".rs", ".mjs"]).into_iter().map(|(_, text)| text).collect();
    let is_rule =
        |line: &&str| line.strip_prefix("| ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let rules: Vec<_> = text.lines().filter(is_rule).collect();
    assert_eq!(rules.len(), 10, "the ten unbreakable rules, each with its tests");
    for line in rules {
        for name in line.rsplit('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2) {
            let function = name.rsplit("::").next().unwrap_or(name);
            assert!(all.contains(&format!("fn {function}(")), "ARCHITECTURE.md names `{name}`, which is no test");
        }
    }
}

/// The functions of a text whose names are those of failure modes: `f1_…`.
fn failure_modes(text: &str) -> impl Iterator<Item = &str> {
    text.split("fn ").skip(1).filter_map(|rest| {
        let name = rest.split('(').next()?;
        let number = name.strip_prefix('f')?.split('_').next()?;
        let is_one = !number.is_empty() && number.len() < name.len() - 1 && number.bytes().all(|c| c.is_ascii_digit());
        is_one.then_some(name)
    })
}

#[test]
fn failure_modes_names_every_test_of_one_and_only_tests_that_exist() {
    let page = fs::read_to_string(root().join("docs/failure-modes.md")).expect("docs/failure-modes.md is there");
    let sources = sources(&[".rs", ".mjs"]);
    for (path, text) in sources.iter().filter(|(path, _)| path.components().any(|part| part.as_os_str() == "tests")) {
        for name in failure_modes(text) {
            assert!(page.contains(&format!("`{name}`")), "{}: {name} is not in the page", path.display());
        }
    }
    let all: String = sources.into_iter().map(|(_, text)| text).collect();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| F")).collect();
    let numbers: Vec<u32> = rows.iter().filter_map(|row| row[3..].split(' ').next()?.parse().ok()).collect();
    assert_eq!(numbers, (1..=86).collect::<Vec<_>>(), "each failure mode once, in order");
    for row in rows {
        for name in row.rsplit('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2) {
            assert!(all.contains(&format!("fn {name}(")), "the page names `{name}`, which is no test");
        }
    }
}
