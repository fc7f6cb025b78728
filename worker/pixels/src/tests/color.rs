//! Profiles are applied: against an independent calculation, and by eye once.

use super::{Shown, close, corpus, distance, pixel, show};
use turbojpeg::{Compressor, Image, PixelFormat};

/// The file without its ICC segments.
fn without_profile(jpeg: &[u8]) -> Vec<u8> {
    let mut bare = jpeg.to_vec();
    let tag = b"ICC_PROFILE\0";
    for at in 0..bare.len() - tag.len() {
        if bare[at..].starts_with(tag) {
            bare[at..at + tag.len()].copy_from_slice(b"XXX_PROFILE\0");
        }
    }
    bare
}

/// Display P3 to sRGB by the definitions of both (SMPTE EG 432-1, IEC 61966-2-1).
fn p3_to_srgb(pixel: [u8; 4]) -> [u8; 4] {
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
    let coded = |value: f64| {
        let value = value.clamp(0.0, 1.0);
        let value = if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
        (value * 255.0).round() as u8
    };
    let [r, g, b] = [linear(pixel[0]), linear(pixel[1]), linear(pixel[2])];
    let red = 1.224_940 * r - 0.224_940 * g;
    let green = -0.042_057 * r + 1.042_057 * g;
    let blue = -0.019_638 * r - 0.078_636 * g + 1.098_274 * b;
    [coded(red), coded(green), coded(blue), pixel[3]]
}

#[test]
fn display_p3_becomes_srgb() {
    let photo = corpus::read("photos/j12_iphone11pro_p3_q92_420.jpg");
    let converted = show(&photo, 320);
    let raw = show(&without_profile(&photo), 320);
    let rgba = raw.rgba.as_chunks::<4>().0.iter().flat_map(|pixel| p3_to_srgb(*pixel)).collect();
    let expected = Shown { size: raw.size, rgba, description: raw.description.clone() };
    assert!(distance(&converted, &expected) < distance(&raw, &expected));

    // The encoder's own loss hides the rest, so the strong colours alone, too.
    let (mut right, mut wrong, mut strong) = (0, 0, 0);
    let [converted, raw, expected] = [&converted, &raw, &expected].map(|shown| shown.rgba.as_chunks::<4>().0);
    for ((converted, raw), expected) in converted.iter().zip(raw).zip(expected) {
        let apart = |one: &[u8; 4]| one.iter().zip(expected).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>();
        if apart(raw) >= 20 {
            (right, wrong, strong) = (right + apart(converted), wrong + apart(raw), strong + 1);
        }
    }
    assert!(strong > 500, "{strong} strong colours");
    assert!(right * 2 < wrong, "{right} from the calculated colours, unconverted {wrong}, in {strong} pixels");
}

const FLAT: [u8; 3] = [120, 90, 60];

/// A picture of one colour with a profile of Display P3 that is at least so many
/// bytes long.
fn flat(profile_bytes: usize) -> Vec<u8> {
    let mut profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    profile.resize(profile.len().max(profile_bytes), 0);
    let len = u32::try_from(profile.len()).unwrap();
    profile[..4].copy_from_slice(&len.to_be_bytes());
    let mut file = Vec::new();
    let mut info = png::Info::with_size(16, 16);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = png::BitDepth::Eight;
    info.icc_profile = Some(profile.into());
    let encoder = png::Encoder::with_info(&mut file, info).unwrap();
    encoder.write_header().unwrap().write_image_data(&FLAT.repeat(256)).unwrap();
    file
}

#[test]
fn a_flat_colour_is_converted_to_a_step() {
    let found = pixel(&show(&flat(0), 16), 50, 50);
    let expected = p3_to_srgb([FLAT[0], FLAT[1], FLAT[2], 255]);
    assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 4), "{found:?}, calculated {expected:?}");
}

#[test]
fn a_profile_as_large_as_allowed_is_applied_and_a_larger_one_ignored() {
    let [r, g, b] = FLAT;
    let stored = [r, g, b, 255];
    let converted = p3_to_srgb(stored);
    let is_converted = |profile_bytes| {
        let found = pixel(&show(&flat(profile_bytes), 16), 50, 50);
        let off = |from: [u8; 4]| found.iter().zip(from).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>();
        off(converted) < off(stored)
    };
    assert!(is_converted(4 << 20));
    assert!(!is_converted((4 << 20) + 1));
    // More than all chunks of a file may take: it is not even inflated to its end.
    assert!(!is_converted(40 << 20));
}

#[test]
fn inks_become_light() {
    // Adobe's convention, in which 255 is no ink: red is all of magenta and
    // yellow, the right half is black.
    let [red, black] = [[255, 0, 0, 255], [255, 255, 255, 0]];
    let row = [red.repeat(32), black.repeat(32)].concat();
    let pixels = row.repeat(64);
    let image = Image { pixels: pixels.as_slice(), width: 64, pitch: 256, height: 64, format: PixelFormat::CMYK };
    let jpeg = Compressor::new().unwrap().compress_to_vec(image).unwrap();
    let shown = show(&jpeg, 64);
    assert!(close(pixel(&shown, 25, 50), [255, 0, 0, 255]), "{:?}", pixel(&shown, 25, 50));
    assert!(close(pixel(&shown, 75, 50), [0, 0, 0, 255]), "{:?}", pixel(&shown, 75, 50));
}

#[test]
fn printers_files_are_pictures() {
    // The averages of pictures that a person has looked at: a park in spring,
    // and one flat colour.
    for (file, size, average) in
        [("photos/cmyk_a.jpg", (320, 213), [120, 125, 114]), ("photos/cmyk_icc.jpg", (320, 180), [152, 215, 213])]
    {
        let shown = show(&corpus::read(file), 320);
        assert_eq!((shown.size, shown.description.alpha), (size, false), "{file}");
        let pixels = shown.rgba.as_chunks::<4>().0;
        let found = [0, 1, 2]
            .map(|channel| pixels.iter().map(|pixel| usize::from(pixel[channel])).sum::<usize>() / pixels.len());
        assert!(found.iter().zip(average).all(|(a, b)| a.abs_diff(b) <= 6), "{file}: {found:?}");
    }
}
