//! libjpeg-turbo by rows, beside what its other interface makes of the same file at once.

use super::corpus;
use crate::{
    Limits,
    jpeg_ffi::{JpegError, Reader},
    plan::Size,
};
use std::time::{Duration, Instant};
use turbojpeg::{Compressor, Decompressor, Image, PixelFormat, ScalingFactor, Subsamp};

fn limits() -> Limits {
    Limits::until(Instant::now() + Duration::from_mins(1))
}

/// Every row, so many at a time, at one to `denominator`.
fn by_rows(file: &[u8], denominator: u32, band: usize) -> Result<(Size, Vec<u8>), JpegError> {
    let limits = limits();
    rows_of(Reader::open(file, &limits)?, denominator, band)
}

/// The same, as on a processor that has no more than all have.
fn slowly(file: &[u8], denominator: u32) -> Result<(Size, Vec<u8>), JpegError> {
    let limits = limits();
    let mut reader = Reader::open(file, &limits)?;
    reader.read_slowly();
    rows_of(reader, denominator, 16)
}

fn rows_of(mut reader: Reader<'_>, denominator: u32, band: usize) -> Result<(Size, Vec<u8>), JpegError> {
    let (width, height) = reader.scale(denominator)?;
    let row = width as usize * if reader.header().is_of_inks() { 4 } else { 3 };
    let mut pixels = vec![0; row * height as usize];
    // All that can be given back is.
    reader.start(usize::MAX)?;
    for rows in pixels.chunks_mut(row * band) {
        reader.read_rows(rows)?;
    }
    reader.finish()?;
    Ok(((width, height), pixels))
}

/// The same, by one call of libjpeg-turbo's other interface.
fn at_once(file: &[u8], denominator: usize) -> (Size, Vec<u8>) {
    let (size, pixels, _) = judged(file, denominator);
    (size, pixels)
}

/// And whether it had nothing to say, not even a warning.
fn judged(file: &[u8], denominator: usize) -> (Size, Vec<u8>, bool) {
    let mut decompressor = Decompressor::new().unwrap();
    let header = decompressor.read_header(file).unwrap();
    let scale = ScalingFactor::new(1, denominator);
    decompressor.set_scaling_factor(scale).unwrap();
    let (width, height) = (scale.scale(header.width), scale.scale(header.height));
    let inks = matches!(header.colorspace, turbojpeg::Colorspace::CMYK | turbojpeg::Colorspace::YCCK);
    let format = if inks { PixelFormat::CMYK } else { PixelFormat::RGB };
    let pitch = width * format.size();
    let mut pixels = vec![0; pitch * height];
    let image = Image { pixels: pixels.as_mut_slice(), width, pitch, height, format };
    // After a warning all pixels are there, too.
    let outcome = decompressor.decompress(file, image);
    ((u32::try_from(width).unwrap(), u32::try_from(height).unwrap()), pixels, outcome.is_ok())
}

#[test]
fn rows_in_bands_are_those_of_the_picture_at_once() {
    for (file, denominator) in [
        ("photos/j12_japaneseshop_prog_420.jpg", 2),
        ("photos/j12_galaxyS7_422.jpg", 2),
        ("photos/j12_galaxyS9_444.jpg", 4),
        ("photos/cmyk_a.jpg", 1),
        ("photos/orientation/Landscape_1.jpg", 1),
    ] {
        let file_bytes = corpus::read(file);
        let whole = at_once(&file_bytes, denominator);
        for band in [1, 7, 16, 100, usize::from(u16::MAX)] {
            let made = by_rows(&file_bytes, u32::try_from(denominator).unwrap(), band).unwrap();
            assert!(made == whole, "{file}, {band} rows at a time");
        }
    }
}

/// A picture that has all frequencies, of uneven sides.
fn noise(width: usize, height: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let value = |at: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // More of it to the right.
        let depth = u32::try_from(at / 3 % width * 8 / width).unwrap();
        u8::try_from(at % 251 / 2).unwrap() + u8::try_from(state >> 24 >> (8 - depth)).unwrap()
    };
    (0..width * height * 3).map(value).collect()
}

/// How a file is made.
#[derive(Clone, Copy, Debug)]
struct Making(Subsamp, i32, Order);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// By the codes that all files may have.
    Plain,
    Optimized,
    Progressive,
}

impl Making {
    fn file(self, (width, height): (usize, usize)) -> Vec<u8> {
        let pixels = noise(width, height);
        let image = Image { pixels: &*pixels, width, pitch: width * 3, height, format: PixelFormat::RGB };
        let mut compressor = Compressor::new().unwrap();
        compressor.set_subsamp(self.0).unwrap();
        compressor.set_quality(self.1).unwrap();
        compressor.set_progressive(self.2 == Order::Progressive).unwrap();
        compressor.set_optimize(self.2 != Order::Plain).unwrap();
        compressor.compress_to_vec(image).unwrap()
    }
}

#[test]
fn scans_are_read_as_libjpeg_reads_them() {
    use Subsamp::{Gray, None, Sub1x2, Sub2x1, Sub2x2, Sub4x1};
    for subsamp in [None, Sub2x1, Sub2x2, Sub1x2, Sub4x1, Gray] {
        for order in [Order::Plain, Order::Optimized, Order::Progressive] {
            for quality in [5, 60, 100] {
                let making = Making(subsamp, quality, order);
                let file = making.file((97, 83));
                for denominator in [1, 2, 8] {
                    let meant = at_once(&file, denominator as usize);
                    assert!(by_rows(&file, denominator, 16).unwrap() == meant, "{making:?} at 1/{denominator}");
                    assert!(slowly(&file, denominator).unwrap() == meant, "{making:?} at 1/{denominator}, slowly");
                }
            }
        }
    }
}

#[test]
fn scans_go_on_after_restart_markers() {
    for file in [
        include_bytes!("../../tests/fixtures/restarts/sequential.jpg").as_slice(),
        include_bytes!("../../tests/fixtures/restarts/progressive.jpg"),
    ] {
        assert!(by_rows(file, 1, 16).unwrap() == at_once(file, 1));
        assert!(slowly(file, 1).unwrap() == at_once(file, 1));
        // One that is missing, and one out of turn.
        let at = file.windows(2).rposition(|two| two[0] == 0xff && (0xd0..=0xd7).contains(&two[1])).unwrap();
        let missing = [&file[..at], &file[at + 2..]].concat();
        assert!(matches!(by_rows(&missing, 1, 16), Err(JpegError::Damaged(_))));
        let mut wrong = file.to_vec();
        wrong[at + 1] ^= 1;
        assert!(matches!(by_rows(&wrong, 1, 16), Err(JpegError::Damaged(_))));
    }
}

/// Else all of these tests would compare libjpeg with itself.
#[test]
fn scans_are_read_here_but_for_those_of_other_kinds() {
    let units = |file: &[u8]| {
        let limits = limits();
        let mut reader = Reader::open(file, &limits).unwrap();
        let (width, height) = reader.scale(1).unwrap();
        reader.start(0).unwrap();
        reader.read_rows(&mut vec![0; width as usize * 3 * height as usize]).unwrap();
        reader.units()
    };
    // 5 × 4 units of 16 × 16 pixels; of a progressive one, each scan that is of one component has its blocks.
    assert_eq!(units(&Making(Subsamp::Sub2x2, 60, Order::Plain).file((80, 64))), 20);
    assert!(units(&Making(Subsamp::Sub2x2, 60, Order::Progressive).file((80, 64))) > 200);
    let (width, height) = (80, 64);
    let pixels = noise(width, height);
    let image = Image { pixels: &*pixels, width, pitch: width * 3, height, format: PixelFormat::RGB };
    let mut compressor = Compressor::new().unwrap();
    compressor.set_arithmetic(true).unwrap();
    assert_eq!(units(&compressor.compress_to_vec(image).unwrap()), 0);
}

/// A bit is wrong in each: what is not refused has to look as it does to libjpeg, which
/// goes on after an error.
#[test]
fn what_is_damaged_and_not_noticed_is_read_as_libjpeg_reads_it() {
    let (mut taken, mut refused) = (0, 0);
    for making in [
        Making(Subsamp::Sub2x2, 30, Order::Optimized),
        Making(Subsamp::None, 90, Order::Plain),
        Making(Subsamp::Sub2x2, 40, Order::Progressive),
        Making(Subsamp::Gray, 95, Order::Progressive),
    ] {
        let file = making.file((48, 40));
        for at in (scans(&file)[0] + 14..file.len() - 2).step_by(3) {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << (at % 8);
            match (by_rows(&damaged, 1, 16), slowly(&damaged, 1)) {
                (Ok(read), Ok(slowly)) => {
                    assert!(read == slowly && read == at_once(&damaged, 1), "{making:?}, byte {at}");
                    taken += 1;
                }
                (Err(JpegError::Damaged(read)), Err(JpegError::Damaged(slowly))) => {
                    assert_eq!(read, slowly);
                    // Codes that do not exist are not always worth a word to it.
                    let is_known = read.contains("bad Huffman code") || !judged(&damaged, 1).2;
                    assert!(is_known, "{making:?}, byte {at}: {read}");
                    refused += 1;
                }
                (read, slowly) => panic!("{making:?}, byte {at}: {} and {}", read.is_ok(), slowly.is_ok()),
            }
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused");
}

/// Where each scan of a file begins.
fn scans(file: &[u8]) -> Vec<usize> {
    let is_scan = |at: &usize| file[*at..].starts_with(&[0xff, 0xda]);
    (0..file.len()).filter(is_scan).collect()
}

/// Of a coefficient of which only some bits came, libjpeg guesses the rest by the blocks
/// around it, two rows up and down: they must still be there.
#[test]
fn what_is_guessed_where_scans_are_missing_is_the_same() {
    let whole = corpus::read("photos/j12_book_prog_420.jpg");
    let scans = scans(&whole);
    assert!(scans.len() > 6);
    for left_off in [scans[1], scans[3], scans[5]] {
        let file = [&whole[..left_off], b"\xff\xd9"].concat();
        for denominator in [1, 2] {
            let made = by_rows(&file, denominator, 48).unwrap();
            assert!(made == at_once(&file, denominator as usize), "{left_off} bytes at 1/{denominator}");
        }
    }
}

#[test]
fn a_lossless_file_keeps_its_size() {
    let pixels: Vec<u8> = (0..64 * 48 * 3).map(|at| u8::try_from(at * at % 251).unwrap()).collect();
    let image = Image { pixels: pixels.as_slice(), width: 64, pitch: 64 * 3, height: 48, format: PixelFormat::RGB };
    let mut compressor = Compressor::new().unwrap();
    compressor.set_lossless(true).unwrap();
    let file = compressor.compress_to_vec(image).unwrap();
    assert_eq!(by_rows(&file, 4, 5).unwrap(), ((64, 48), pixels));
}

#[test]
fn a_scan_or_a_moment_too_much_ends_it() {
    let file = corpus::read("photos/j12_japaneseshop_prog_420.jpg");
    let count = u32::try_from(scans(&file).len()).unwrap();
    let begin = |limits: &Limits| {
        let mut reader = Reader::open(&file, limits)?;
        reader.scale(8)?;
        reader.start(0)
    };
    assert!(begin(&Limits { scans_max: count, ..limits() }).is_ok());
    let refused = begin(&Limits { scans_max: count - 1, ..limits() });
    assert!(matches!(refused, Err(JpegError::Scans)), "{refused:?}");
    let refused = begin(&Limits { deadline: Instant::now(), ..limits() });
    assert!(matches!(refused, Err(JpegError::Late)), "{refused:?}");
}

#[test]
fn an_error_is_final_and_rows_that_are_not_there_are_none() {
    let file = corpus::read("photos/orientation/Landscape_1.jpg");
    let limits = limits();
    let mut reader = Reader::open(&file[..file.len() / 2], &limits).unwrap();
    let (width, height) = reader.scale(1).unwrap();
    let mut pixels = vec![0; width as usize * 3 * height as usize];
    assert!(reader.read_rows(&mut pixels).is_err(), "it was not started");
    assert!(reader.start(0).is_err() && reader.finish().is_err());

    let mut reader = Reader::open(&file, &limits).unwrap();
    reader.scale(1).unwrap();
    reader.start(0).unwrap();
    assert!(reader.read_rows(&mut pixels[..width as usize * 3 - 1]).is_err());
    reader.read_rows(&mut pixels).unwrap();
    assert!(reader.read_rows(&mut pixels[..width as usize * 3]).is_err());
    reader.finish().unwrap();
}
