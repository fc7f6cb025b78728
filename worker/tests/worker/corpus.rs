//! Pictures of the corpus, and what to make of them.

use heim_common::{
    limits::Limits,
    spec::{OutputType, Params, TranscodingSpec, default_specs},
};
use heim_worker::{
    PixelsConfig,
    children::{ChildCommand, Original, OriginalBuffer, PixelFailure, PixelOutput, PixelWork, Pool, Run, Step},
};
use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

/// A real photo of 12 megapixels.
pub(crate) const PHOTO: &str = "j12_nexus6p_420_sRGB.jpg";

pub(crate) fn photo(name: &str) -> Vec<u8> {
    read("photos", name)
}

pub(crate) fn read(folder: &str, name: &str) -> Vec<u8> {
    let path = folder_of(folder).join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("the corpus has no {}: {error}", path.display()))
}

pub(crate) fn folder_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus").join(name)
}

/// The default ones, and one of each other type that this build writes.
pub(crate) fn every_type() -> Vec<TranscodingSpec> {
    let mut specs = default_specs();
    let others = [("as-jpeg", OutputType::Jpeg), ("as-png", OutputType::Png), ("as-avif", OutputType::Avif)];
    for (name, content_type) in others.into_iter().filter(|(_, output)| heim_pixels::can_write(*output)) {
        specs.push(TranscodingSpec { name: name.parse().unwrap(), content_type, params: Params::of_box(200, 200) });
    }
    specs
}

pub(crate) fn original(bytes: &[u8]) -> Original {
    let mut buffer = OriginalBuffer::new(bytes.len() as u64).unwrap();
    buffer.write(bytes).unwrap();
    buffer.seal().unwrap()
}

pub(crate) fn work(bytes: &[u8]) -> PixelWork {
    let Limits { pixels_max, animation_pixels_max, animation_frames_max, .. } = Limits::default();
    let (original, specs, deadline) = (original(bytes), default_specs(), Duration::from_mins(1));
    PixelWork { original, specs, pixels_max, animation_pixels_max, animation_frames_max, deadline }
}

/// The children that the worker really uses.
pub(crate) fn real_child() -> ChildCommand {
    let args = vec![heim_worker::PIXEL_CHILD_ARG.into()];
    ChildCommand { program: env!("CARGO_BIN_EXE_heim-worker").into(), args }
}

pub(crate) fn pool(command: &ChildCommand, slots: usize) -> Pool {
    Pool::start(command, NonZeroUsize::new(slots).unwrap(), 200, PixelsConfig::default()).unwrap()
}

/// One child, on terms of its own.
pub(crate) fn bounded_pool(command: &ChildCommand, pixels: PixelsConfig) -> Pool {
    Pool::start(command, NonZeroUsize::MIN, 200, pixels).unwrap()
}

/// Everything that comes of a run, and how it ended.
pub(crate) async fn all(mut run: Run) -> (Vec<PixelOutput>, Result<heim_common::media::Description, PixelFailure>) {
    let mut outputs = Vec::new();
    loop {
        match run.next().await {
            Ok(Step::Output(output)) => outputs.push(output),
            Ok(Step::Done(description)) => return (outputs, Ok(description)),
            Err(failure) => return (outputs, Err(failure)),
        }
    }
}
