//! Compiles the C that libjpeg's errors end in, by the headers of the very
//! libjpeg-turbo that is linked.

#![expect(clippy::disallowed_methods, reason = "what it is told by others is in its environment")]

use std::{env, path::Path};

fn main() {
    const SOURCE: &str = "src/jpeg_ffi/rows.c";
    println!("cargo:rerun-if-changed={SOURCE}");
    let include = env::var("DEP_TURBOJPEG_INCLUDE").expect("turbojpeg-sys says where its headers are");
    let folders: Vec<&Path> = include.split(',').map(Path::new).collect();
    cc::Build::new().std("c11").includes(folders).file(SOURCE).compile("heim_jpeg");
}
