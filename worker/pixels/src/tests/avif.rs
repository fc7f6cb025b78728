//! AVIF of every kind shows what was put into it, by other programs or by ours.
//! How the fixtures were made is said beside them.

use super::{Shown, close, corpus, distance, pixel, show, try_show};
use crate::{Limits, Transcoder, avif_ffi, raster::Layout};
use heim_common::{
    header::{Format, Header},
    job::Reason,
    spec::default_specs,
};
use std::{
    fs,
    io::Cursor,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Upper left, upper right, lower left, lower right.
const QUARTERS: [[u8; 3]; 4] = [[220, 40, 40], [40, 180, 60], [50, 60, 200], [230, 220, 210]];

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/avif").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn quarters(shown: &Shown) -> [[u8; 4]; 4] {
    [(25, 25), (75, 25), (25, 75), (75, 75)].map(|(x, y)| pixel(shown, x, y))
}

fn assert_shows_quarters(name: &str) {
    let file = fixture(name);
    let shown = show(&file, 96);
    assert_eq!((shown.size, shown.description.alpha), ((96, 64), false), "{name}");
    for (found, [r, g, b]) in quarters(&shown).into_iter().zip(QUARTERS) {
        assert!(close(found, [r, g, b, 255]), "{name}: {found:?} for {r} {g} {b}");
    }
}

#[test]
fn every_depth_and_every_sampling_shows_the_same_picture() {
    for name in [
        "8-bit-420.avif",
        "8-bit-420-limited.avif",
        "8-bit-422.avif",
        "8-bit-444.avif",
        "10-bit-420.avif",
        "10-bit-422-limited.avif",
        "12-bit-444.avif",
        "lossless.avif",
        "clap.avif",
    ] {
        assert_shows_quarters(name);
    }
    for name in ["8-bit-400.avif", "10-bit-400.avif"] {
        let found = quarters(&show(&fixture(name), 96));
        for (pixel, gray) in found.into_iter().zip([94, 124, 73, 222]) {
            assert!(close(pixel, [gray, gray, gray, 255]), "{name}: {found:?}");
        }
    }
}

#[test]
fn a_grid_is_one_picture() {
    let shown = show(&fixture("grid-2x2.avif"), 128);
    assert_eq!(shown.size, (128, 128));
    for (found, [r, g, b]) in quarters(&shown).into_iter().zip(QUARTERS) {
        assert!(close(found, [r, g, b, 255]), "{found:?}");
    }
}

#[test]
fn properties_turn_a_picture_and_exif_does_not() {
    for number in 2..=8 {
        assert_shows_quarters(&format!("orientation-{number}.avif"));
    }
    // Turned by a property, and EXIF says it again; not turned, whatever EXIF says.
    for name in ["orientation-6-exif-6.avif", "orientation-1-exif-6.avif"] {
        assert_shows_quarters(name);
        assert_eq!(Header::read(&fixture(name)).unwrap().size, Some((96, 64)), "{name}");
    }
}

#[test]
fn a_sequence_shows_its_first_frame() {
    assert_shows_quarters("sequence.avif");
    assert_eq!(show(&fixture("sequence.avif"), 96).description.frames, 3);
    assert!(Header::read(&fixture("sequence.avif")).unwrap().animated);
}

#[test]
fn opacity_is_kept_multiplied_in_or_not() {
    for name in ["alpha.avif", "alpha-premultiplied.avif"] {
        let shown = show(&fixture(name), 96);
        assert!(shown.description.alpha);
        let alphas = [255, 64, 255, 64];
        for ((found, [r, g, b]), alpha) in quarters(&shown).into_iter().zip(QUARTERS).zip(alphas) {
            assert!(close(found, [r, g, b, alpha]), "{name}: {found:?} for {r} {g} {b} {alpha}");
        }
    }
}

#[test]
fn numbers_that_stand_for_colours_are_followed() {
    // Calculated by hand from 120, 90, 60: Display P3; and BT.2020 with the
    // perceptual quantizer, where 203 cd/m² is white.
    let found = pixel(&show(&fixture("p3.avif"), 16), 50, 50);
    assert!(close(found, [126, 88, 55, 255]), "{found:?}");
    let found = pixel(&show(&fixture("bt2020-pq.avif"), 16), 50, 50);
    assert!(close(found, [188, 72, 21, 255]), "{found:?}");
}

/// A small copy of a photo, decoded by libheif and made smaller by Pillow.
fn reference(name: &str) -> Shown {
    let mut reader = png::Decoder::new(Cursor::new(fixture(name))).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut rgb).unwrap();
    let size = reader.info().size();
    let rgba = rgb.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
    let description = show(&fixture("lossless.avif"), 16).description;
    Shown { size, rgba, description }
}

#[test]
fn real_photos_look_as_other_decoders_show_them() {
    // The curve of the second is so steep that one step of its 8 bits is several of
    // sRGB's where it is bright.
    for (photo, bound) in [("avif20_canon70d", 2.5), ("avif20_10bit_p3", 3.5)] {
        let shown = show(&corpus::read(&format!("photos/{photo}.avif")), 96);
        let apart = distance(&shown, &reference(&format!("{photo}.png")));
        assert!(apart < bound, "{photo}: {apart}");
    }
}

/// Some pixels of every kind, opaque or not.
fn pixels(width: u32, height: u32, layout: Layout) -> Vec<u8> {
    let byte = |value: u32| u8::try_from(value % 256).unwrap();
    let of = |x: u32, y: u32| [byte(x * 4), byte(y * 4), byte(255 - x), byte(255 - x * 2)];
    let all = (0..height).flat_map(|y| (0..width).map(move |x| of(x, y)));
    all.flat_map(|pixel| pixel.into_iter().take(layout.channels())).collect()
}

#[test]
fn what_is_written_can_be_read_with_its_opacity() {
    for (layout, size) in
        [(Layout::Rgb, (64, 48)), (Layout::Rgba, (64, 48)), (Layout::Rgba, (1, 1)), (Layout::Rgb, (7, 5))]
    {
        let original = pixels(size.0, size.1, layout);
        let mut file = Vec::new();
        avif_ffi::encode(&original, size, layout, (90, 9), &mut file).unwrap();
        assert_eq!(Format::sniff(&file), Some(Format::Avif));
        let shown = show(&file, 64);
        assert_eq!(shown.size, size);
        let mut apart = 0;
        for (found, was) in shown.rgba.chunks_exact(4).zip(original.chunks_exact(layout.channels())) {
            // What nobody sees may have any colour.
            if was.get(3).is_none_or(|alpha| *alpha > 128) {
                apart += found.iter().zip(was).map(|(a, b)| usize::from(a.abs_diff(*b))).sum::<usize>();
            }
        }
        assert!(apart < original.len() * 6, "{layout:?} {size:?}: {apart} in {} bytes", original.len());
    }
}

#[test]
fn the_same_picture_gives_the_same_bytes() {
    let original = pixels(64, 48, Layout::Rgba);
    let encode = |effort: u8| {
        let mut file = Vec::new();
        avif_ffi::encode(&original, (64, 48), Layout::Rgba, (60, 10 - effort), &mut file).unwrap();
        file
    };
    assert_eq!(encode(1), encode(1));
    assert!(encode(4).len() < encode(1).len());
    // What the encoder cannot describe it is not asked for.
    let mut file = Vec::new();
    assert!(avif_ffi::encode(&original, (64, 49), Layout::Rgba, (60, 9), &mut file).is_err());
    assert!(avif_ffi::encode(&original, (64, 48), Layout::Cmyk, (60, 9), &mut file).is_err());
}

/// The verdict on a file.
fn verdict(transcoder: &mut Transcoder, file: &[u8], pixels_max: u64) -> Option<Reason> {
    let limits = Limits { pixels_max, ..Limits::until(Instant::now() + Duration::from_mins(1)) };
    let ran = transcoder.run(file, &default_specs()[..1], &limits, &mut |_| Ok(()));
    ran.err().map(|error| error.reason())
}

#[test]
fn no_cut_and_no_flipped_bit_does_harm() {
    let mut transcoder = Transcoder::new();
    for name in ["8-bit-420.avif", "alpha.avif", "grid-2x2.avif", "sequence.avif"] {
        let whole = fixture(name);
        // Of a sequence only the first frame is looked at, and of what ends a file
        // not all.
        let must_fail = if name == "sequence.avif" { 256 } else { whole.len() - 8 };
        for end in 32..whole.len() {
            let found = verdict(&mut transcoder, &whole[..end], 1_000_000);
            let allowed = found == Some(Reason::Damaged) || (end > must_fail && found.is_none());
            assert!(allowed, "{name} cut at {end}: {found:?}");
        }
        for at in 12..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            let found = verdict(&mut transcoder, &flipped, 1_000_000);
            assert_ne!(found, Some(Reason::Internal), "{name}: a bit of byte {at}");
        }
        assert_eq!(verdict(&mut transcoder, &whole, 1_000_000), None, "{name} after its ruins");
    }
}

#[test]
fn declared_sizes_are_refused_before_anything_is_decoded() {
    let mut transcoder = Transcoder::new();
    let whole = fixture("8-bit-420.avif");
    assert_eq!(verdict(&mut transcoder, &whole, 96 * 64 - 1), Some(Reason::TooManyPixels));
    let at = whole.windows(4).position(|four| four == b"ispe").unwrap() + 8;
    for (width, height, expected) in [
        (20_000_u32, 20_000_u32, Reason::TooManyPixels),
        (60_000, 60_000, Reason::TooManyPixels),
        (10_000, 10_000, Reason::Damaged),
        (0, 64, Reason::Damaged),
    ] {
        let mut lying = whole.clone();
        lying[at..at + 4].copy_from_slice(&width.to_be_bytes());
        lying[at + 4..at + 8].copy_from_slice(&height.to_be_bytes());
        let start = Instant::now();
        assert_eq!(verdict(&mut transcoder, &lying, 100_000_000), Some(expected), "{width} x {height}");
        assert!(start.elapsed() < Duration::from_secs(1), "{:?} for {width} x {height}", start.elapsed());
    }
    let cut = try_show(&corpus::read("photos/avif20_canon70d.avif")[..200_000], 96).err();
    assert_eq!(cut.map(|error| error.reason()), Some(Reason::Damaged));
}
