//! The pictures of a folder, by their content.

use heim_common::header::{Format, Header};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

/// Of a picture that no side decodes in reasonable time.
const PIXELS_MAX: u64 = 300_000_000;

/// A picture.
#[derive(Clone, Debug)]
pub(crate) struct Photo {
    pub(crate) path: PathBuf,
    /// Its name without its ending.
    pub(crate) name: String,
    /// What tells it from others of the same name, in names of files.
    pub(crate) key: String,
    pub(crate) format: Format,
    pub(crate) pixels: u64,
}

/// The pictures that lie in a folder, in the order of their names; its folders
/// are not looked into.
pub(crate) fn photos(folder: &Path) -> Vec<Photo> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut photos: Vec<_> = entries.filter_map(|entry| photo(entry.expect("a folder can be read").path())).collect();
    photos.sort_by(|a, b| a.name.cmp(&b.name));
    photos
}

fn photo(path: PathBuf) -> Option<Photo> {
    // A profile for printing can be longer than what is looked at elsewhere.
    let header = Header::read(&fs::read(&path).ok()?)?;
    let (width, height) = header.size?;
    let pixels = u64::from(width) * u64::from(height);
    let name = path.file_stem()?.to_str()?.to_owned();
    let mut hasher = DefaultHasher::new();
    (fs::canonicalize(&path).ok()?, fs::metadata(&path).ok()?.len()).hash(&mut hasher);
    let key = format!("{name}-{:016x}", hasher.finish());
    (pixels <= PIXELS_MAX).then_some(Photo { path, name, key, format: header.format, pixels })
}

/// Whether it is what a phone of the last ten years makes.
pub(crate) fn is_12_mp(photo: &Photo) -> bool {
    (11_500_000..12_500_000).contains(&photo.pixels)
}
