//! What holds for every file, whatever is in it: tests and fuzzers look at the
//! same. Limits are small, so that a fuzzer tries many files.

mod outputs;

use heim_common::{
    header::{Format, Header, Orientation},
    job::Reason,
    media::Description,
    spec::{Fit, Focus, Light, OutputType, Params, Share, TranscodingSpec},
};
use heim_pixels::{Limits, PixelError, Transcoder};
use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

const PIXELS_MAX: u64 = 1 << 18;
const ANIMATION_PIXELS_MAX: u64 = 1 << 21;
const ANIMATION_FRAMES_MAX: u32 = 60;
/// Of the files that are refused, one in so many is refused twice.
const REFUSED_TWICE: usize = 8;

/// Everything that came of a file.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) ended: Result<Description, Reason>,
    outputs: Vec<(usize, Vec<u8>)>,
}

/// A small and a larger still, without loss and with it, in both lights.
pub(crate) fn stills() -> Vec<TranscodingSpec> {
    let small = Params { effort: Some(0), ..Params::of_box(40, 40) };
    let focus = Some(Focus { x: Share::HALF, y: Share::try_from(0.9).expect("a share") });
    let medium = Params { fit: Fit::Cover, focus, light: Light::Linear, effort: Some(0), ..Params::of_box(240, 160) };
    vec![
        spec("small-png", OutputType::Png, small),
        spec("small-jpeg", OutputType::Jpeg, small),
        spec("medium", OutputType::Webp, medium),
    ]
}

/// A small and a larger one that move; the larger is cut, and enlarged.
pub(crate) fn moving() -> Vec<TranscodingSpec> {
    let small = Params { animated: true, effort: Some(0), ..Params::of_box(40, 40) };
    let medium = Params { fit: Fit::Cover, enlarge: true, light: Light::Linear, width: 120, height: 80, ..small };
    vec![spec("small", OutputType::Webp, small), spec("medium", OutputType::Webp, medium)]
}

fn spec(name: &str, content_type: OutputType, params: Params) -> TranscodingSpec {
    TranscodingSpec { name: name.parse().expect("a name"), content_type, params }
}

fn limits(pixels_max: u64) -> Limits {
    Limits {
        pixels_max,
        animation_pixels_max: ANIMATION_PIXELS_MAX,
        animation_frames_max: ANIMATION_FRAMES_MAX,
        ..Limits::until(Instant::now() + Duration::from_mins(1))
    }
}

thread_local! {
    /// It has done other jobs before, and their pixels are in its buffers.
    static USED: RefCell<Transcoder> = RefCell::new(used());
}

/// A transcoder whose largest buffer is full of what no picture shows.
fn used() -> Transcoder {
    // A bitmap of 24 bits and so many grey pixels, which has more bytes than any
    // picture within the limits.
    const SIDE: u32 = 600;
    let pixels = vec![0xa5; (SIDE * SIDE * 3) as usize];
    let mut bitmap = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bitmap.extend([SIDE, SIDE, 0x0018_0001].map(u32::to_le_bytes).concat());
    bitmap.resize(0x36, 0);
    bitmap.extend(pixels);
    let mut transcoder = Transcoder::new();
    transcoder.run(&bitmap, &[], &limits(1 << 20), &mut |_| Ok(())).expect("a bitmap");
    transcoder
}

fn run(transcoder: &mut Transcoder, file: &[u8], specs: &[TranscodingSpec]) -> Outcome {
    let mut outputs: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut described = None;
    let ended = transcoder.run(file, specs, &limits(PIXELS_MAX), &mut |output| {
        let spec = &specs[output.index];
        assert!(outputs.iter().all(|(index, _)| *index != output.index), "{} came twice", spec.name);
        outputs::are_as_asked_for(&output, spec);
        assert_eq!(described.get_or_insert_with(|| output.description.clone()), output.description);
        outputs.push((output.index, output.bytes.to_vec()));
        Ok(())
    });
    match &ended {
        Ok(description) => {
            assert_eq!(outputs.len(), specs.len(), "a transcoding is missing");
            assert!(described.is_none_or(|described| described == *description), "described in two ways");
            assert!((1..=PIXELS_MAX).contains(&(u64::from(description.width) * u64::from(description.height))));
            assert!(description.frames > 0, "no frames");
        }
        Err(error) => assert_ne!(error.reason(), Reason::Internal, "{error:?}"),
    }
    Outcome { ended: ended.map_err(|error: PixelError| error.reason()), outputs }
}

/// Holds a file to what is promised of it and of what is made of it by these
/// specs, and says how it ended.
pub(crate) fn kept_for(file: &[u8], specs: &[TranscodingSpec]) -> Outcome {
    let outcome = USED.with_borrow_mut(|used| run(used, file, specs));
    // What came before must not show, and what is refused must stay so.
    if outcome.ended.is_ok() || file.len().is_multiple_of(REFUSED_TWICE) {
        assert_eq!(run(&mut Transcoder::new(), file, specs), outcome, "what came before has left a trace");
    }
    outcome
}

/// Holds the parsers of headers to what is promised of them.
pub(crate) fn kept_for_header(file: &[u8]) {
    let header = Header::read(file);
    assert_eq!(header.map(|header| header.format), Format::sniff(file));
    assert_eq!(Format::sniff(&file[..file.len().min(64)]), Format::sniff(file), "its type is in its first bytes");
    let Some(header) = header else { return };
    assert!(header.size.is_none_or(|(width, height)| width > 0 && height > 0), "a side of no pixels");
    assert_eq!(Header::read(file), Some(header), "read in two ways");
    // What a longer prefix tells takes nothing back.
    let half = Header::read(&file[..file.len() / 2]);
    assert!(header.animated || !half.is_some_and(|half| half.animated), "it moved before it was read on");
    let orientation = Orientation::read(file);
    assert_eq!(orientation.swaps_sides(), (5..=8).any(|value| Orientation::from_exif(value) == orientation));
}
