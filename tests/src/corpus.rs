//! The real photos and the hostile files that tests work on. They are too large
//! for a repository, and lie beside the checkout.

use std::path::PathBuf;

/// A 12 MP photo of a phone, upright, 4032 × 3024.
pub const PHOTO: &str = "photos/j12_nexus6p_420_sRGB.jpg";
/// Eight photos of 12 MP as phones and cameras make them.
pub const PHOTOS: [&str; 8] = [
    PHOTO,
    "photos/j12_galaxyS7_422.jpg",
    "photos/j12_galaxyS9_444.jpg",
    "photos/j12_iphone11pro_p3_q92_420.jpg",
    "photos/j12_dog_420_or6.jpg",
    "photos/j12_nikonD90_422.jpg",
    "photos/j12_book_prog_420.jpg",
    "photos/j12_nexus_prog_q92.jpg",
];
/// A 12 MP photo that is to be turned by a quarter: 3024 × 4032 when upright.
pub const TURNED: &str = "photos/j12_dog_420_or6.jpg";
/// A picture that takes long: 12 MP of PNG, which no decoder can scale down on
/// the way.
pub const SLOW: &str = "photos/p12_photo_rgb.png";
/// A photo of 10 MB: more than one part of an upload to S3.
pub const LARGE: &str = "photos/j48_montage_420.jpg";
/// A small photo, 1800 × 1200.
pub const SMALL: &str = "photos/orientation/Landscape_1.jpg";

/// Where a file of the corpus is.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    let corpus = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus"));
    let path = corpus.join(name);
    assert!(
        path.exists(),
        "{name} is not there: the tests' pictures belong into the folder `shared/corpus` beside the checkout ({})",
        corpus.display()
    );
    path
}

/// The bytes of a file of the corpus.
#[must_use]
pub fn read(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name} cannot be read: {error}"))
}

/// The files of a folder of the corpus, by name.
#[must_use]
pub fn folder(name: &str) -> Vec<String> {
    let entries = std::fs::read_dir(path(name)).unwrap_or_else(|error| panic!("{name} cannot be listed: {error}"));
    let names = entries.map(|entry| entry.expect("an entry can be read").file_name().to_string_lossy().into_owned());
    let mut files: Vec<_> = names.map(|file| format!("{name}/{file}")).collect();
    files.sort();
    files
}
