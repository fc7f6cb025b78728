//! Compiles the C that libjpeg's errors end in, by the headers of the very
//! libjpeg-turbo that is linked.

#![expect(clippy::disallowed_methods, reason = "what it is told by others is in its environment")]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Where libjpeg-turbo's own sources are: some headers stay there that are not meant
/// for everybody.
fn sources(root: &Path) -> Option<PathBuf> {
    let cache = fs::read_to_string(root.join("build/CMakeCache.txt")).ok()?;
    let folder = cache.lines().find_map(|line| line.strip_prefix("CMAKE_HOME_DIRECTORY:INTERNAL="))?;
    Some(Path::new(folder).join("src"))
}

fn main() {
    const SOURCE: &str = "src/jpeg_ffi/rows.c";
    println!("cargo:rerun-if-changed={SOURCE}");
    let include = env::var("DEP_TURBOJPEG_INCLUDE").expect("turbojpeg-sys says where its headers are");
    let root = env::var("DEP_TURBOJPEG_ROOT").expect("turbojpeg-sys says where it was built");
    let sources = sources(root.as_ref()).expect("CMake says what turbojpeg-sys was built from");
    let folders = include.split(',').map(PathBuf::from).chain([sources]);
    cc::Build::new().std("c11").includes(folders).file(SOURCE).compile("heim_jpeg");
}
