//! Pictures of the corpus, and what to make of them.

use heim_common::{limits::Limits, spec::default_specs};
use heim_worker::children::{
    ChildCommand, Original, OriginalBuffer, PixelFailure, PixelOutput, PixelWork, Pool, Run, Step,
};
use std::{num::NonZeroUsize, path::Path, time::Duration};

/// A real photo of 12 megapixels.
pub(crate) const PHOTO: &str = "j12_nexus6p_420_sRGB.jpg";

pub(crate) fn photo(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/photos").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("the corpus has no {}: {error}", path.display()))
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
    Pool::start(command, NonZeroUsize::new(slots).unwrap(), 200).unwrap()
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
