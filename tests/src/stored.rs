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
