//! What is looked for, in every form in which it might lie somewhere, and the
//! search for it in every byte of every file.

use crate::base64::base64;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Secrets and canaries, each under a name.
#[derive(Debug, Default)]
pub(super) struct Needles {
    forms: BTreeMap<Vec<u8>, String>,
}

impl Needles {
    /// Looks for these bytes as they are.
    pub(super) fn add_raw(&mut self, name: &str, bytes: &[u8]) {
        assert!(bytes.len() >= 8, "{name}: too short to be found by chance only");
        self.forms.insert(bytes.to_vec(), name.to_owned());
    }

    /// And in hexadecimal digits, and in base 64 of either alphabet, wherever in
    /// a longer text they begin.
    pub(super) fn add(&mut self, name: &str, bytes: &[u8]) {
        self.add_raw(name, bytes);
        let hex = hexadecimal(bytes);
        self.add_raw(name, hex.as_bytes());
        self.add_raw(name, hex.to_uppercase().as_bytes());
        for before in 0..3 {
            let text = base64(&[&vec![0; before], bytes].concat());
            // Without the letters that depend on what stands around.
            let inner = &text[(before * 8).div_ceil(6)..(before + bytes.len()) * 8 / 6];
            self.add_raw(name, inner.as_bytes());
            self.add_raw(name, inner.replace('+', "-").replace('/', "_").as_bytes());
        }
    }

    /// Looks for parts of a file that are in no other file.
    pub(super) fn add_parts(&mut self, name: &str, file: &[u8]) {
        for quarter in 1..4 {
            let at = file.len() * quarter / 4;
            self.add_raw(name, &file[at..at + 24]);
        }
    }

    /// The names of all that is found below a folder or in a file, with the files
    /// in which each was found.
    pub(super) fn found_in(&self, place: &Path) -> BTreeMap<String, BTreeSet<PathBuf>> {
        let (mut found, mut begins) = (BTreeMap::<_, BTreeSet<_>>::new(), vec![false; 1 << 16]);
        self.forms.keys().for_each(|form| begins[pair(form)] = true);
        let mut files = Vec::new();
        walk(place, &mut files);
        assert!(!files.is_empty(), "there is nothing to search in {}", place.display());
        for file in files {
            // A file that its process removed meanwhile is not there.
            let bytes = fs::read(&file).unwrap_or_default();
            for at in 0..bytes.len().saturating_sub(1) {
                if begins[pair(&bytes[at..])] {
                    for name in self.at(&bytes[at..]) {
                        found.entry(name.to_owned()).or_default().insert(file.clone());
                    }
                }
            }
        }
        found
    }

    /// The names of the forms that `bytes` begin with.
    fn at<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = &'a str> {
        let same_pair = bytes[..2].to_vec()..=[&bytes[..2], &[0xff; 8]].concat();
        let forms = self.forms.range(same_pair);
        forms.filter(|(form, _)| bytes.starts_with(form)).map(|(_, name)| name.as_str())
    }
}

/// Two digits a byte.
fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("four bits are a digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

fn walk(place: &Path, files: &mut Vec<PathBuf>) {
    if place.is_dir() {
        let entries = fs::read_dir(place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
        entries.flatten().for_each(|entry| walk(&entry.path(), files));
    } else if place.is_file() {
        files.push(place.to_owned());
    }
}

#[test]
fn every_form_is_found_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut needles = Needles::default();
    needles.add("secret", b"sesame, if you please");
    needles.add("other", b"\xff\xff\xffnobody has it");
    let inside = b"xsesame, if you pleasey".to_vec();
    let hex = hexadecimal(b"sesame, if you please").to_uppercase();
    for file in [inside.clone(), hex.into_bytes(), base64(&inside).into_bytes(), base64(&inside[1..]).into_bytes()] {
        let path = folder.path().join("a file");
        fs::write(&path, [&[0xff; 5], &file[..]].concat()).unwrap();
        let found = needles.found_in(folder.path());
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [("secret".to_owned(), BTreeSet::from([path]))]);
    }
}
