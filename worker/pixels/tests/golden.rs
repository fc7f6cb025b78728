//! What comes out, beside what another library makes of the same file with no
//! shortcut at all: `fixtures/golden`. The distance is one of perception: ΔE in
//! Oklab (B. Ottosson, 2020), times 100, so that 2 is about what one can just see.
//!
//! With `HEIM_MEDIA_GOLDEN=FOLDER` each is also written there as one picture: ours,
//! theirs, and what is between them, eight times as strong.

mod corpus;

use heim_common::spec::{Light, OutputType, Params, TranscodingSpec};
use heim_pixels::{Limits, Transcoder, can_write};
use png::{BitDepth, ColorType, Decoder, Encoder, Transformations};
use std::{
    env, fs,
    io::{BufWriter, Cursor},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Name of the reference, the original, and how far at most ours may be from it:
/// on the average of all pixels, and on that of its worst block of 8 x 8.
const PICTURES: [(&str, &str, f64, f64); 34] = [
    ("display-p3", "photos/j12_iphone11pro_p3_q92_420.jpg", 0.4, 0.8),
    ("progressive", "photos/j12_nexus_prog_q92.jpg", 0.3, 0.6),
    ("sampling-422", "photos/j12_nikonD90_422.jpg", 0.2, 0.4),
    ("sampling-444", "photos/j22_canon5D3_444.jpg", 0.2, 0.3),
    ("turned-6", "photos/j12_dog_420_or6.jpg", 0.2, 0.5),
    ("turned-8", "photos/j16_leicaT_422_or8.jpg", 0.1, 0.4),
    ("turned-webp", "photos/webp10_nikonp7000_or6.webp", 0.2, 0.3),
    ("ultra-hdr", "photos/j8_ultrahdr_420.jpg", 0.2, 0.5),
    ("mpo", "stereo.mpo", 0.2, 0.5),
    ("cmyk", "photos/cmyk_a.jpg", 0.9, 2.6),
    ("cmyk-flat", "photos/cmyk_icc.jpg", 0.1, 0.1),
    ("gray", "hostile/wuffs/peacock.grayscale.jpeg", 0.1, 0.1),
    ("gray-16", "hostile/pngsuite/oi9n0g16.png", 0.1, 0.1),
    ("depth-16", "photos/png_weld_16bit.png", 0.3, 2.4),
    ("screenshot", "photos/png4k_screenshot_vec.png", 0.1, 0.4),
    ("alpha", "hostile/imagers-webp2/4_webp_a.webp", 0.5, 1.9),
    ("alpha-png", "hostile/pngsuite/bgwn6a08.png", 0.1, 0.1),
    ("gif", "photos/gif_earth_400_44f.gif", 0.3, 1.1),
    // A scan for each colour: decoders have made green of such files without a word.
    ("split", "split.jpg", 0.1, 0.1),
    ("split-420", "hostile/zune-jpeg/non_interleaved_420_64x64.jpg", 0.1, 0.1),
    ("split-422", "hostile/zune-jpeg/non_interleaved_422_64x64.jpg", 0.1, 0.1),
    ("split-444", "hostile/zune-jpeg/tiny_non_interleaved_444.jpg", 0.1, 0.1),
    ("palette-4", "hostile/pngsuite/s33n3p04.png", 0.1, 0.1),
    ("palette-alpha", "hostile/pngsuite/tbyn3p08.png", 0.1, 0.1),
    ("bmp-1", "bmp-1.bmp", 0.1, 0.1),
    ("bmp-4", "bmp-4.bmp", 0.1, 0.1),
    ("bmp-8", "bmp-8.bmp", 0.1, 0.1),
    ("bmp-rle-4", "bmp-rle-4.bmp", 0.1, 0.1),
    ("bmp-rle-8", "bmp-rle-8.bmp", 0.1, 0.1),
    // Of five bits Pillow makes eight by rounding down.
    ("bmp-555", "bmp-555.bmp", 0.3, 0.4),
    ("bmp-565", "bmp-565.bmp", 0.3, 0.4),
    ("bmp-top-down", "bmp-top-down.bmp", 0.1, 0.1),
    ("bmp-32", "bmp-32.bmp", 0.1, 0.1),
    ("bmp-alpha", "bmp-alpha.bmp", 0.1, 0.1),
];

/// On the average, and on that of the worst block.
type Bounds = (f64, f64);

/// The same of those that are resized in linear light, as what a fleet makes by default
/// is; and of the middle of a larger one, which the small one is made of. What is larger
/// than a megapixel and a half is first made smaller as it is stored, and edges show it.
const LIT: [(&str, &str, Bounds, Option<Bounds>); 5] = [
    ("display-p3", "photos/j12_iphone11pro_p3_q92_420.jpg", (0.7, 1.7), Some((1.1, 4.1))),
    ("turned-6", "photos/j12_dog_420_or6.jpg", (0.3, 1.6), Some((0.6, 1.5))),
    ("depth-16", "photos/png_weld_16bit.png", (0.2, 0.9), Some((0.1, 0.1))),
    ("screenshot", "photos/png4k_screenshot_vec.png", (0.2, 1.4), None),
    ("alpha", "hostile/imagers-webp2/4_webp_a.webp", (0.1, 0.4), None),
];

/// What encoders lose of a photo of many colours at their default quality.
const LOSSY: (&str, &str) = ("sampling-422", "photos/j12_nikonD90_422.jpg");
const LOSSES: [(&str, OutputType, f64, f64); 3] = [
    ("as-webp", OutputType::Webp, 1.5, 2.3),
    ("as-jpeg", OutputType::Jpeg, 1.8, 2.7),
    // Where it can be written: `make avif-test`.
    ("as-avif", OutputType::Avif, 1.2, 1.9),
];

const SIDE: u32 = 160;
const LARGER_SIDE: u32 = 640;
/// Of what is compared of the larger ones.
const MIDDLE_SIDE: usize = 96;
const BLOCK: usize = 8;

struct Picture {
    width: usize,
    height: usize,
    rgba: Vec<[u8; 4]>,
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An original: of the corpus, or one that is made and lies beside its reference.
fn original(name: &str) -> Vec<u8> {
    if name.contains('/') { corpus::read(name) } else { fixture(name) }
}

fn decoded(file: &[u8]) -> Picture {
    let mut decoder = Decoder::new(Cursor::new(file));
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let mut reader = decoder.read_info().expect("it is a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("it is small")];
    let info = reader.next_frame(&mut pixels).expect("it is whole");
    let rgba = match info.color_type {
        ColorType::Rgba => pixels.as_chunks::<4>().0.to_vec(),
        ColorType::GrayscaleAlpha => {
            pixels.as_chunks::<2>().0.iter().map(|[gray, alpha]| [*gray, *gray, *gray, *alpha]).collect()
        }
        other => panic!("{other:?} was to be changed to one with opacity"),
    };
    Picture { width: info.width as usize, height: info.height as usize, rgba }
}

/// What to make: within a square box of this side, in this light.
fn spec(content_type: OutputType, side: u32, light: Light) -> TranscodingSpec {
    let params = Params { light, ..Params::of_box(side, side) };
    TranscodingSpec { name: format!("side-{side}").parse().expect("a name"), content_type, params }
}

/// The files that are made of an original by these, in their order.
fn made(original: &[u8], specs: &[TranscodingSpec]) -> Vec<Vec<u8>> {
    let limits = Limits::until(Instant::now() + Duration::from_mins(1));
    let mut files = vec![Vec::new(); specs.len()];
    Transcoder::new()
        .run(original, specs, &limits, &mut |output| {
            files[output.index] = output.bytes.to_vec();
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error:?}"));
    files
}

/// What one transcoding of an original shows.
fn shown(original: &[u8], spec: TranscodingSpec) -> Picture {
    decoded(&made(original, &[spec])[0])
}

/// A square in the middle of a picture.
fn middle(picture: &Picture, side: usize) -> Picture {
    let (left, top) = ((picture.width - side) / 2, (picture.height - side) / 2);
    let rows = picture.rgba.chunks(picture.width).skip(top).take(side);
    Picture { width: side, height: side, rgba: rows.flat_map(|row| row[left..left + side].to_vec()).collect() }
}

/// Oklab of a colour before a ground of this gray.
fn oklab([red, green, blue, alpha]: [u8; 4], ground: f64) -> [f64; 3] {
    let alpha = f64::from(alpha) / 255.0;
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0 * alpha + ground * (1.0 - alpha);
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue] = [linear(red), linear(green), linear(blue)];
    let long = (0.412_221_470_8 * red + 0.536_332_536_3 * green + 0.051_445_992_9 * blue).cbrt();
    let middle = (0.211_903_498_2 * red + 0.680_699_545_1 * green + 0.107_396_956_6 * blue).cbrt();
    let short = (0.088_302_461_9 * red + 0.281_718_837_6 * green + 0.629_978_700_5 * blue).cbrt();
    [
        0.210_454_255_3 * long + 0.793_617_785_0 * middle - 0.004_072_046_8 * short,
        1.977_998_495_1 * long - 2.428_592_205_0 * middle + 0.450_593_709_9 * short,
        0.025_904_037_1 * long + 0.782_771_766_2 * middle - 0.808_675_766_0 * short,
    ]
}

/// How far two colours are apart, before black or white, whichever shows it more.
fn apart(one: [u8; 4], other: [u8; 4]) -> f64 {
    let before = |ground| {
        let (one, other) = (oklab(one, ground), oklab(other, ground));
        one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt() * 100.0
    };
    before(0.0).max(before(1.0))
}

/// The average, and that of the worst block.
fn distance(ours: &Picture, theirs: &Picture) -> (f64, f64) {
    let apart: Vec<f64> = ours.rgba.iter().zip(&theirs.rgba).map(|(ours, theirs)| apart(*ours, *theirs)).collect();
    let average =
        |values: &[f64]| values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).expect("it is small"));
    let mut worst = 0.0f64;
    for top in (0..ours.height).step_by(BLOCK) {
        for left in (0..ours.width).step_by(BLOCK) {
            let right = (left + BLOCK).min(ours.width);
            let rows = top..(top + BLOCK).min(ours.height);
            let block: Vec<f64> = rows.flat_map(|y| apart[y * ours.width..][left..right].to_vec()).collect();
            worst = worst.max(average(&block));
        }
    }
    (average(&apart), worst)
}

/// Ours, theirs and the difference, side by side.
fn write(folder: &Path, name: &str, ours: &Picture, theirs: &Picture) {
    let stronger = |a: u8, b: u8| u8::try_from((128 + (i32::from(a) - i32::from(b)) * 8).clamp(0, 255)).unwrap_or(128);
    let mut pixels = Vec::new();
    for (ours, theirs) in ours.rgba.chunks(ours.width).zip(theirs.rgba.chunks(theirs.width)) {
        let between = ours
            .iter()
            .zip(theirs)
            .map(|(a, b)| [stronger(a[0], b[0]), stronger(a[1], b[1]), stronger(a[2], b[2]), 255]);
        pixels.extend(ours.iter().copied().chain(theirs.iter().copied()).chain(between).flatten());
    }
    let file = fs::File::create(folder.join(format!("{name}.png"))).expect("the folder can be written to");
    let [width, height] = [ours.width * 3, ours.height].map(|side| u32::try_from(side).expect("it is small"));
    let mut encoder = Encoder::new(BufWriter::new(file), width, height);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.expect("the folder has room");
}

/// Comparisons, of which those that failed are told together.
#[derive(Default)]
struct Comparisons {
    failed: Vec<String>,
}

impl Comparisons {
    fn add(&mut self, name: &str, ours: &Picture, reference: &str, (average_max, worst_max): Bounds) {
        let theirs = decoded(&fixture(&format!("{reference}.png")));
        assert_eq!((ours.width, ours.height), (theirs.width, theirs.height), "{name}");
        if let Some(folder) = env::var_os("HEIM_MEDIA_GOLDEN").map(PathBuf::from) {
            fs::create_dir_all(&folder).expect("the folder can be made");
            write(&folder, name, ours, &theirs);
        }
        let (average, worst) = distance(ours, &theirs);
        if average > average_max || worst > worst_max {
            self.failed.push(format!("{name}: {average:.2} and {worst:.2}, at most {average_max} and {worst_max}"));
        }
    }

    fn end(self) {
        assert!(self.failed.is_empty(), "{:#?}", self.failed);
    }
}

#[test]
fn what_comes_out_looks_like_what_another_library_makes() {
    let mut comparisons = Comparisons::default();
    for (name, file, average_max, worst_max) in PICTURES {
        let ours = shown(&original(file), spec(OutputType::Png, SIDE, Light::Gamma));
        comparisons.add(name, &ours, name, (average_max, worst_max));
    }
    comparisons.end();
}

#[test]
fn in_linear_light_all_of_a_set_looks_like_what_another_library_makes() {
    let mut comparisons = Comparisons::default();
    for (name, file, small, larger) in LIT {
        let files = made(&original(file), &[LARGER_SIDE, SIDE].map(|side| spec(OutputType::Png, side, Light::Linear)));
        let [larger_file, small_file] = &files[..] else { panic!("{} files", files.len()) };
        let lit = format!("{name}-lit");
        comparisons.add(&lit, &decoded(small_file), &lit, small);
        if let Some(larger) = larger {
            let lit = format!("{lit}-{LARGER_SIDE}");
            comparisons.add(&lit, &middle(&decoded(larger_file), MIDDLE_SIDE), &lit, larger);
        }
    }
    comparisons.end();
}

/// Read by our own decoders, which the pictures above are read by.
#[test]
fn what_is_written_with_loss_stays_near_to_what_was_to_be_written() {
    let mut comparisons = Comparisons::default();
    for (name, content_type, average_max, worst_max) in LOSSES.into_iter().filter(|loss| can_write(loss.1)) {
        let file = &made(&original(LOSSY.1), &[spec(content_type, SIDE, Light::Gamma)])[0];
        let ours = shown(file, spec(OutputType::Png, SIDE, Light::Gamma));
        comparisons.add(name, &ours, LOSSY.0, (average_max, worst_max));
    }
    comparisons.end();
}
