//! What is refused before it costs anything.

mod corpus;

use heim_common::{job::Reason, spec::default_specs};
use heim_pixels::{Limits, PixelError, SinkClosed, TooCostly, Transcoder};
use std::time::{Duration, Instant};

fn limits() -> Limits {
    Limits { pixels_max: 100_000_000, ..Limits::until(Instant::now() + Duration::from_mins(1)) }
}

fn reason(original: &[u8], limits: &Limits) -> Option<Reason> {
    Transcoder::new().run(original, &default_specs(), limits, &mut |_| Ok(())).err().map(|error| error.reason())
}

/// A PNG that ends after a header with these sides.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    let crc = header.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    });
    [b"\x89PNG\r\n\x1a\n\0\0\0\x0d".as_slice(), &header, &(!crc).to_be_bytes()].concat()
}

#[test]
fn declared_sizes_are_refused_at_once() {
    let start = Instant::now();
    for (width, height) in [(65_535, 65_535), (10_001, 10_000), (0x7fff_ffff, 1)] {
        assert_eq!(reason(&png_header(width, height), &limits()), Some(Reason::TooManyPixels), "{width} x {height}");
    }
    assert_eq!(reason(&png_header(10_000, 10_000), &limits()), Some(Reason::Damaged));
    assert_eq!(reason(&corpus::read("photos/png_bomb_65536sq.png"), &limits()), Some(Reason::TooManyPixels));
    for bomb in ["gif_canvas_65535.gif", "bmp_hdr_30000x30000.bmp", "jpg_lie_65500x65500.jpg", "webp_canvas_2p24.webp"]
    {
        let refused = reason(&corpus::read(&format!("hostile/bomb/{bomb}")), &limits());
        assert!(matches!(refused, Some(Reason::TooManyPixels | Reason::Damaged)), "{bomb}: {refused:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?} for headers alone", start.elapsed());
}

/// A JPEG of three colours at full size that ends within its first scan: progressive,
/// or with a scan for each colour.
fn jpeg_header(side: u16, progressive: bool) -> Vec<u8> {
    let [high, low] = side.to_be_bytes();
    let process = if progressive { 0xc2 } else { 0xc0 };
    let mut file = vec![0xff, 0xd8, 0xff, process, 0, 17, 8, high, low, high, low, 3];
    file.extend([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    if progressive {
        file.extend([0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0]);
    } else {
        file.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
    }
    file
}

#[test]
fn coefficients_that_would_have_to_be_kept_are_refused_by_the_header_alone() {
    for progressive in [true, false] {
        let run = |side| {
            let file = jpeg_header(side, progressive);
            Transcoder::new().run(&file, &default_specs(), &limits(), &mut |_| Ok(())).unwrap_err()
        };
        // 1183 x 1183 blocks of 128 bytes for each colour; with 1182 they fit.
        let refused = run(9_457);
        let bytes = 1_183 * 1_183 * 128 * 3;
        assert!(matches!(refused, PixelError::TooCostly(TooCostly::Memory(needed)) if needed == bytes), "{refused:?}");
        assert_eq!(run(9_456).reason(), Reason::Damaged);
    }
}

#[test]
fn a_scan_bomb_is_too_costly() {
    for bomb in ["jpg_prog_10000scans_8000x6000.jpg", "jpg_prog_50000scans_64.jpg"] {
        let refused = reason(&corpus::read(&format!("hostile/bomb/{bomb}")), &limits());
        assert_eq!(refused, Some(Reason::TooCostly), "{bomb}");
    }
}

/// A gray progressive JPEG of one block, in so many scans, all of them regular:
/// the mean, then each of the 63 coefficients but for its last bit, then the last
/// bits. Each scan has one code of one bit, which says that nothing follows.
fn progressive(scans: usize) -> Vec<u8> {
    let first = [(0, 0)].into_iter().chain((1..64).map(|coefficient| (coefficient, 0x01)));
    let all = first.chain((1..64).map(|coefficient| (coefficient, 0x10)));
    let mut file = b"\xff\xd8\xff\xdb\0\x43\0".to_vec();
    file.extend([1; 64]);
    file.extend(b"\xff\xc2\0\x0b\x08\0\x08\0\x08\x01\x01\x11\0");
    for class in [0x00, 0x10] {
        file.extend([0xff, 0xc4, 0, 20, class, 1]);
        file.extend([0; 16]);
    }
    for (coefficient, bits) in all.take(scans) {
        file.extend([0xff, 0xda, 0, 8, 1, 1, 0, coefficient, coefficient, bits, 0x7f]);
    }
    file.extend(b"\xff\xd9");
    file
}

#[test]
fn as_many_scans_as_allowed_are_read_and_one_more_is_too_costly() {
    assert_eq!(reason(&progressive(100), &limits()), None);
    assert_eq!(reason(&progressive(101), &limits()), Some(Reason::TooCostly));
}

#[test]
fn what_is_no_picture_is_unsupported() {
    for content in
        [b"".as_slice(), b"\xff", b"hello, I am called cat.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
    {
        assert_eq!(reason(content, &limits()), Some(Reason::UnsupportedType));
    }
}

#[test]
fn a_passed_deadline_stops_the_job() {
    let photo = corpus::read("photos/j8_iphone6_420.jpg");
    let late = Limits { deadline: Instant::now(), ..limits() };
    assert_eq!(reason(&photo, &late), Some(Reason::TooCostly));
}

#[test]
fn a_closed_sink_ends_the_job() {
    let photo = corpus::read("photos/orientation/Landscape_1.jpg");
    let mut outputs = 0;
    let ended = Transcoder::new().run(&photo, &default_specs(), &limits(), &mut |_| {
        outputs += 1;
        if outputs == 2 { Err(SinkClosed) } else { Ok(()) }
    });
    assert!(matches!(ended, Err(PixelError::Sink(SinkClosed))));
    assert_eq!(outputs, 2);
}
