//! What lies in the folder of a store, seen from outside.

use std::{fs, path::Path};

/// All files below a folder, by their paths in it; unfinished ones too.
#[must_use]
pub fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    // What is removed while we look is not there.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(root, &path, found);
        } else {
            found.push(path.strip_prefix(root).expect("it was found there").display().to_string());
        }
    }
}

/// The folders below a folder in which nothing is, each with a slash at its end.
#[must_use]
pub fn empty_folders(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    walk_empty(folder, folder, &mut found);
    found
}

fn walk_empty(root: &Path, folder: &Path, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut is_empty = true;
    for entry in entries.flatten() {
        is_empty = false;
        if entry.path().is_dir() {
            walk_empty(root, &entry.path(), found);
        }
    }
    if is_empty && folder != root {
        found.push(format!("{}/", folder.strip_prefix(root).expect("it was found there").display()));
    }
}
