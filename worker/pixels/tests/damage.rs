//! Cut and damaged files are told as such; harmless oddities of real cameras
//! are not taken for damage.

mod corpus;

use heim_common::{
    job::Reason,
    spec::{OutputType, default_specs},
};
use heim_pixels::{Limits, Transcoder, can_write};
use std::time::{Duration, Instant};

fn run(transcoder: &mut Transcoder, original: &[u8]) -> Result<(), Reason> {
    let limits = Limits { pixels_max: 100_000_000, ..Limits::until(Instant::now() + Duration::from_mins(1)) };
    let specs = &default_specs()[..1];
    transcoder.run(original, specs, &limits, &mut |_| Ok(())).map(drop).map_err(|error| error.reason())
}

#[test]
fn a_cut_photo_is_damaged_wherever_it_is_cut() {
    let mut transcoder = Transcoder::new();
    let mut files = vec![
        "photos/j8_iphone6_420.jpg",
        "photos/j8_ultrahdr_420.jpg",
        "photos/j12_japaneseshop_prog_420.jpg",
        "photos/png_weld_16bit.png",
        "photos/png4k_screenshot_vec.png",
        "photos/webp10_nikonp7000_or6.webp",
        "photos/webp_anim_320x240_101f.webp",
        "photos/gif_earth_400_44f.gif",
        "hostile/valid/base_webpl.webp",
        "hostile/imagers-bmp/Core_1_Bit.bmp",
    ];
    if can_write(OutputType::Avif) {
        files.push("photos/avif20_canon70d.avif");
    }
    for file in files {
        let whole = corpus::read(file);
        assert_eq!(run(&mut transcoder, &whole), Ok(()), "{file}");
        // What follows the picture of some files is not read: a second one, or metadata.
        let most = match file {
            "photos/j8_ultrahdr_420.jpg" => 500,
            "photos/avif20_canon70d.avif" => 800,
            _ => 999,
        };
        for permille in [20, 200, 500, 800, 990, 999].into_iter().filter(|at| *at <= most) {
            let cut = &whole[..(whole.len() * permille / 1000).max(24)];
            assert_eq!(run(&mut transcoder, cut), Err(Reason::Damaged), "{file} at {permille} permille");
        }
    }
}

#[test]
fn a_good_file_after_a_bad_one_is_decoded() {
    let mut transcoder = Transcoder::new();
    let good = corpus::read("hostile/valid/base_jpg.jpg");
    for bad in ["hostile/bad/jpg_soi_eoi.jpg", "hostile/bad/jpg_comps_h0.jpg", "hostile/bad/jpg_no_dht.jpg"] {
        let _ = run(&mut transcoder, &corpus::read(bad));
        assert_eq!(run(&mut transcoder, &good), Ok(()), "after {bad}");
    }
    assert_eq!(run(&mut transcoder, &good[..good.len() / 2]), Err(Reason::Damaged));
    assert_eq!(run(&mut transcoder, &good), Ok(()));
}

#[test]
fn oddities_of_real_cameras_are_no_damage() {
    let mut transcoder = Transcoder::new();
    let photo = corpus::read("photos/orientation/Landscape_1.jpg");
    let with = |at: usize, extra: &[u8]| [&photo[..at], extra, &photo[at..]].concat();
    let second = 4 + usize::from(u16::from_be_bytes([photo[4], photo[5]]));
    let end = photo.len() - 2;
    assert_eq!(photo[end..], [0xff, 0xd9]);
    for (odd, what) in [
        (with(second, b"junk"), "bytes between segments"),
        (with(2, b"\xff\xff\xff"), "fill bytes"),
        (with(2, b"\xff\xe0\0\x10JFIF\0\x07\x09\0\0\x01\0\x01\0\0"), "an unknown version of JFIF"),
        (with(2, b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x09"), "an unknown colour transform"),
        (with(2, b"\xff\xe2\0\x10ICC_PROFILE\0\x07\x01"), "a broken profile"),
        (with(end, b"\x00\x01\x02"), "bytes before the end marker"),
        (with_a_progressive_scan(&photo), "a scan that says it is progressive"),
        (with(photo.len(), b"a trailer of the maker"), "bytes after the end marker"),
    ] {
        assert_eq!(run(&mut transcoder, &odd), Ok(()), "{what}");
    }
}

/// A sequential scan that tells of coefficients and bits as a progressive one does.
fn with_a_progressive_scan(photo: &[u8]) -> Vec<u8> {
    let mut odd = photo.to_vec();
    let scan = odd.windows(2).position(|bytes| bytes == [0xff, 0xda]).expect("it has a scan");
    let len = usize::from(u16::from_be_bytes([odd[scan + 2], odd[scan + 3]]));
    assert_eq!(odd[scan + len - 1..scan + len + 2], [0, 63, 0]);
    odd[scan + len - 1..scan + len + 2].copy_from_slice(&[1, 5, 0x21]);
    odd
}

#[test]
fn a_hole_in_the_middle_is_damage() {
    let mut transcoder = Transcoder::new();
    let mut photo = corpus::read("photos/j8_iphone6_420.jpg");
    let middle = photo.len() / 2;
    // An end where there is none: the lower half is missing.
    photo[middle..middle + 2].copy_from_slice(&[0xff, 0xd9]);
    assert_eq!(run(&mut transcoder, &photo), Err(Reason::Damaged));
    // Both oddities at once: the harmless one comes first and must not hide the cut.
    let second = 4 + usize::from(u16::from_be_bytes([photo[4], photo[5]]));
    let cut = [&photo[..second], b"junk", &photo[second..middle - 7]].concat();
    assert_eq!(run(&mut transcoder, &cut), Err(Reason::Damaged));
}

#[test]
fn a_harmless_oddity_hides_no_damage_of_a_file_that_has_its_end() {
    let mut transcoder = Transcoder::new();
    for file in ["photos/j8_iphone6_420.jpg", "photos/j12_japaneseshop_prog_420.jpg"] {
        let photo = corpus::read(file);
        let middle = photo.len() / 2;
        let second = 4 + usize::from(u16::from_be_bytes([photo[4], photo[5]]));
        let odd = [&photo[..second], b"junk", &photo[second..]].concat();
        assert_eq!(run(&mut transcoder, &odd), Ok(()), "{file}");
        let damaged = [&photo[..second], b"junk", &photo[second..middle], &photo[middle + 5_000..]].concat();
        assert_eq!(run(&mut transcoder, &damaged), Err(Reason::Damaged), "{file}");
    }
}
