//! One picture in every format and variant shows the same.

use super::{close, corpus, distance, pixel, show, try_show};
use crate::{Decoders, Limits, Transcoder, raster::Layout, webp_ffi};
use heim_common::{
    header::Format,
    job::Reason,
    spec::{OutputType, Params, TranscodingSpec},
};
use image::{ExtendedColorType, ImageEncoder, codecs::bmp::BmpEncoder};
use png::{BitDepth, ColorType};
use std::time::{Duration, Instant};
use turbojpeg::{Compressor, Image, PixelFormat};

const SIDE: usize = 96;
const QUARTERS: [[u8; 3]; 4] = [[220, 40, 40], [40, 180, 60], [50, 60, 200], [230, 220, 210]];

/// Four quarters of different colours.
fn quarters() -> impl Iterator<Item = [u8; 3]> {
    (0..SIDE * SIDE).map(|at| QUARTERS[at / SIDE / (SIDE / 2) * 2 + at % SIDE / (SIDE / 2)])
}

fn rgb() -> Vec<u8> {
    quarters().flatten().collect()
}

fn png(color: ColorType, depth: BitDepth, data: &[u8], palette: Option<&[u8]>) -> Vec<u8> {
    let mut file = Vec::new();
    let side = u32::try_from(SIDE).unwrap();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if let Some(palette) = palette {
        encoder.set_palette(palette);
    }
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    file
}

fn assert_shows_quarters(name: &str, file: &[u8]) {
    let shown = show(file, 48);
    assert_eq!((shown.size, shown.description.width, shown.description.alpha), ((48, 48), 96, false), "{name}");
    for (index, [r, g, b]) in QUARTERS.into_iter().enumerate() {
        let (x, y) = ([25, 75][index % 2], [25, 75][index / 2]);
        let found = pixel(&shown, x, y);
        assert!(close(found, [r, g, b, 255]), "{name}: {found:?} in quarter {index}");
    }
}

#[test]
fn every_format_shows_the_same_picture() {
    let indices: Vec<u8> = quarters()
        .map(|colour| u8::try_from(QUARTERS.iter().position(|one| *one == colour).unwrap()).unwrap())
        .collect();
    let wide: Vec<u8> = rgb().into_iter().flat_map(|channel| [channel, channel]).collect();
    let opaque: Vec<u8> = quarters().flat_map(|[r, g, b]| [r, g, b, 255]).collect();
    assert_shows_quarters("PNG", &png(ColorType::Rgb, BitDepth::Eight, &rgb(), None));
    assert_shows_quarters("PNG of 16 bit", &png(ColorType::Rgb, BitDepth::Sixteen, &wide, None));
    assert_shows_quarters("opaque RGBA PNG", &png(ColorType::Rgba, BitDepth::Eight, &opaque, None));
    let palette = QUARTERS.concat();
    assert_shows_quarters("palette PNG", &png(ColorType::Indexed, BitDepth::Eight, &indices, Some(&palette)));

    let mut bmp = Vec::new();
    let side = u32::try_from(SIDE).unwrap();
    BmpEncoder::new(&mut bmp).write_image(&rgb(), side, side, ExtendedColorType::Rgb8).unwrap();
    assert_shows_quarters("BMP", &bmp);

    let mut gif = Vec::new();
    let side = u16::try_from(SIDE).unwrap();
    let mut encoder = gif::Encoder::new(&mut gif, side, side, &palette).unwrap();
    encoder.write_frame(&gif::Frame::from_indexed_pixels(side, side, indices, None)).unwrap();
    drop(encoder);
    assert_shows_quarters("GIF", &gif);

    let pixels = rgb();
    let image =
        Image { pixels: pixels.as_slice(), width: SIDE, pitch: SIDE * 3, height: SIDE, format: PixelFormat::RGB };
    let mut compressor = Compressor::new().unwrap();
    compressor.set_quality(95).unwrap();
    assert_shows_quarters("JPEG", &compressor.compress_to_vec(image).unwrap());
    compressor.set_progressive(true).unwrap();
    assert_shows_quarters("progressive JPEG", &compressor.compress_to_vec(image).unwrap());

    let square = (u32::from(side), u32::from(side));
    let mut webp = Vec::new();
    webp_ffi::encode(&rgb(), square, Layout::Rgb, (90, 4), &mut webp).unwrap();
    assert_shows_quarters("WebP", &webp);
}

#[test]
fn opacity_is_kept() {
    let half: Vec<u8> =
        (0..SIDE * SIDE).flat_map(|at| [90, 160, 220, if at % SIDE < SIDE / 2 { 255 } else { 64 }]).collect();
    let gray: Vec<u8> = (0..SIDE * SIDE).flat_map(|at| [128, if at % SIDE < SIDE / 2 { 255 } else { 0 }]).collect();
    let shown = show(&png(ColorType::Rgba, BitDepth::Eight, &half, None), 48);
    assert!(shown.description.alpha);
    assert!(close(pixel(&shown, 25, 50), [90, 160, 220, 255]) && close(pixel(&shown, 75, 50), [90, 160, 220, 64]));
    let shown = show(&png(ColorType::GrayscaleAlpha, BitDepth::Eight, &gray, None), 48);
    assert!(shown.description.alpha);
    assert_eq!((pixel(&shown, 25, 50)[3], pixel(&shown, 75, 50)[3]), (255, 0));
}

#[test]
fn gray_is_gray_in_png_and_jpeg() {
    let gray: Vec<u8> = (0..SIDE * SIDE).map(|at| if at % SIDE < SIDE / 2 { 30 } else { 200 }).collect();
    let image = Image { pixels: gray.as_slice(), width: SIDE, pitch: SIDE, height: SIDE, format: PixelFormat::GRAY };
    let mut compressor = Compressor::new().unwrap();
    compressor.set_subsamp(turbojpeg::Subsamp::Gray).unwrap();
    for file in [png(ColorType::Grayscale, BitDepth::Eight, &gray, None), compressor.compress_to_vec(image).unwrap()] {
        let shown = show(&file, 48);
        assert!(close(pixel(&shown, 25, 50), [30, 30, 30, 255]) && close(pixel(&shown, 75, 50), [200, 200, 200, 255]));
    }
}

/// A JPEG without its Huffman tables, like a frame of Motion JPEG: the standard ones
/// are meant (ITU-T T.81, K.3).
fn without_tables(jpeg: &[u8]) -> Vec<u8> {
    let (mut bare, mut rest) = (jpeg[..2].to_vec(), &jpeg[2..]);
    while let [0xff, marker, high, low, ..] = *rest {
        let (segment, after) = rest.split_at(2 + usize::from(u16::from_be_bytes([high, low])));
        if marker != 0xc4 {
            bare.extend(segment);
        }
        rest = after;
        if marker == 0xda {
            break;
        }
    }
    [bare.as_slice(), rest].concat()
}

#[test]
fn a_jpeg_without_tables_takes_none_of_the_file_before() {
    let pixels = rgb();
    let image =
        Image { pixels: pixels.as_slice(), width: SIDE, pitch: SIDE * 3, height: SIDE, format: PixelFormat::RGB };
    let mut compressor = Compressor::new().unwrap();
    let whole = compressor.compress_to_vec(image).unwrap();
    let bare = without_tables(&whole);
    assert!(bare.len() < whole.len());
    compressor.set_optimize(true).unwrap();
    let other = compressor.compress_to_vec(image).unwrap();
    let specs = [TranscodingSpec {
        name: "thumb".parse().unwrap(),
        content_type: OutputType::Png,
        params: Params::of_box(48, 48),
    }];
    let limits = Limits::until(Instant::now() + Duration::from_mins(1));
    let made = |transcoder: &mut Transcoder, file: &[u8]| {
        let mut made = Vec::new();
        let ended = transcoder.run(file, &specs, &limits, &mut |output| {
            made.extend_from_slice(output.bytes);
            Ok(())
        });
        (ended.map_err(|error| error.reason()), made)
    };
    let mut used = Transcoder::new();
    made(&mut used, &other).0.unwrap();
    assert_eq!(made(&mut used, &bare), made(&mut Transcoder::new(), &whole));
}

#[test]
fn real_photos_of_every_kind_are_pictures() {
    for (file, width, height, frames) in [
        ("photos/png_weld_16bit.png", 1024, 684, 1),
        ("photos/png4k_screenshot_vec.png", 3840, 2160, 1),
        ("photos/gif_earth_400_44f.gif", 400, 400, 44),
        ("photos/gif_muybridge_472x298_380f.gif", 472, 298, 380),
        ("photos/webp_anim_320x240_101f.webp", 320, 240, 101),
        ("photos/j8_ultrahdr_420.jpg", 3840, 2160, 1),
        ("photos/j24_craftbeer_prog_420.jpg", 6000, 4000, 1),
        ("photos/j280_gray.jpg", 20_000, 14_000, 1),
    ] {
        let shown = show(&corpus::read(file), 320);
        let found = (shown.description.width, shown.description.height, shown.description.frames);
        assert_eq!(found, (width, height, frames), "{file}");
    }
}

#[test]
fn interlaced_png_is_the_picture_of_its_plain_twin() {
    let suite = |name: &str| show(&corpus::read(&format!("hostile/pngsuite/{name}.png")), 34);
    assert!(distance(&suite("s34i3p04"), &suite("s34n3p04")) < 1.0);
}

#[test]
fn a_decoder_that_is_switched_off_decodes_nothing() {
    let but_gif: Vec<Format> = Decoders::ALL.into_iter().filter(|format| *format != Format::Gif).collect();
    let mut transcoder = Transcoder::new();
    let mut run = |file: &str| {
        let limits = Limits { pixels_max: 1_000_000, ..Limits::until(Instant::now() + Duration::from_mins(1)) };
        transcoder.decode_by(Decoders::of(&but_gif).unwrap());
        let ran = transcoder.run(&corpus::read(file), &[], &limits, &mut |_| Ok(()));
        ran.err().map(|error| error.reason())
    };
    assert_eq!(run("photos/gif_earth_400_44f.gif"), Some(Reason::UnsupportedType));
    assert_eq!(run("hostile/valid/base_png.png"), None);
}

#[test]
fn what_no_decoder_is_for_is_unsupported() {
    let mut files = vec!["photos/heic12_galaxyS10.heic", "hostile/valid/base_tif.tif"];
    if !cfg!(feature = "avif") {
        files.push("photos/avif20_canon70d.avif");
    }
    for file in files {
        let refused = try_show(&corpus::read(file), 320).err().map(|error| error.reason());
        assert_eq!(refused, Some(Reason::UnsupportedType), "{file}");
    }
}
