//! The page of the shell: it names every command, and says of each whether it can be
//! tried first. What destroys, takes away or changes what is there must have that.

use heim_tests::process::binary;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

/// These look, or add something that was not there.
const ONLY_LOOK_OR_ADD: [&str; 15] = [
    "audit list",
    "doctor",
    "job list",
    "job show",
    "lane days",
    "lane list",
    "manager add",
    "orphan list",
    "queue",
    "room create",
    "room list",
    "room rotate-key",
    "room show",
    "usage",
    "worker list",
];

fn help(words: &[&str]) -> String {
    let mut command = Command::new(binary("heim-coordinator"));
    let said = command.arg("admin").args(words).arg("--help").env_clear().output().expect("it starts");
    assert!(said.status.success(), "{words:?}: {said:?}");
    String::from_utf8(said.stdout).expect("text")
}

/// Each command below these words, and whether it has `--dry-run`.
fn commands(words: &[&str], found: &mut BTreeMap<String, bool>) {
    let help = help(words);
    let Some((_, below)) = help.split_once("\nCommands:\n") else {
        assert!(help.contains("--json"), "{words:?}: {help}");
        found.insert(words.join(" "), help.contains(" --dry-run"));
        return;
    };
    let lines = below.lines().take_while(|line| !line.is_empty());
    // A line that goes on is further to the right.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
    for name in names.filter(|name| *name != "help") {
        commands(&[words, &[name]].concat(), found);
    }
}

#[test]
fn whatever_destroys_can_be_tried_and_the_page_says_so() {
    let mut found = BTreeMap::new();
    commands(&[], &mut found);
    let not_tried: BTreeSet<_> = found.iter().filter(|(_, tried)| !**tried).map(|(name, _)| name.as_str()).collect();
    assert_eq!(not_tried, BTreeSet::from(ONLY_LOOK_OR_ADD));

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations/admin.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let mut told = BTreeMap::new();
    for row in page.lines().filter(|line| line.starts_with("| `admin ")) {
        let tried = row.ends_with("| yes |");
        let names = row[2..].split(" | ").next().expect("the first column").split('`').filter_map(|name| {
            let words = name.strip_prefix("admin ")?;
            let is_it = |command: &&String| words.starts_with(&**command);
            Some(found.keys().find(is_it).unwrap_or_else(|| panic!("there is no `{name}`")))
        });
        told.extend(names.map(|name| (name.clone(), tried)));
    }
    assert_eq!(told, found, "each is there, with the right word in the last column");
}
