//! What moves goes on moving: the same moments, in the same time, with the same
//! pixels as far as an encoder with loss keeps them.

use super::corpus;
use crate::{
    Limits, PixelError, Step, TooCostly, Transcoder,
    decode::{Draw, Frames},
    light,
    motion::Scene,
    plan::Size,
    pool::Pool,
    raster::{Layout, Raster},
    resize,
    webp_ffi::player::{Moment, Show, play},
};
use fast_image_resize::Resizer;
use gif::{ColorOutput, DecodeOptions, DisposalMethod};
use heim_common::{
    header::Format,
    spec::{Fit, Light, OutputType, Params, TranscodingSpec},
};
use std::time::{Duration, Instant};

pub(super) fn limits() -> Limits {
    Limits::until(Instant::now() + Duration::from_mins(1))
}

pub(super) fn spec(name: &str, params: Params) -> TranscodingSpec {
    TranscodingSpec { name: name.parse().unwrap(), content_type: OutputType::Webp, params }
}

pub(super) fn moving(side: u32) -> Params {
    Params { animated: true, ..Params::of_box(side, side) }
}

/// Index and bytes of every output.
pub(super) fn make(original: &[u8], specs: &[TranscodingSpec], limits: &Limits) -> Vec<(usize, Vec<u8>)> {
    let mut made = Vec::new();
    Transcoder::new()
        .run(original, specs, limits, &mut |output| {
            made.push((output.index, output.bytes.to_vec()));
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error:?}"));
    made
}

/// The only output.
pub(super) fn one(original: &[u8], params: Params) -> Vec<u8> {
    make(original, &[spec("one", params)], &limits()).remove(0).1
}

/// What a GIF shows, put together in the plainest way.
fn play_gif(file: &[u8]) -> Show {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    let mut decoder = options.read_info(file).unwrap();
    let size: Size = (decoder.width().into(), decoder.height().into());
    let mut canvas = vec![0; (size.0 * size.1 * 4) as usize];
    let mut moments = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        let before = canvas.clone();
        let place = |at: usize| {
            let (x, y) = (at % usize::from(frame.width), at / usize::from(frame.width));
            ((y + usize::from(frame.top)) * size.0 as usize + x + usize::from(frame.left)) * 4
        };
        for (at, pixel) in frame.buffer.chunks_exact(4).enumerate().filter(|(_, pixel)| pixel[3] != 0) {
            canvas[place(at)..][..4].copy_from_slice(pixel);
        }
        let ms = if frame.delay <= 1 { 100 } else { u32::from(frame.delay) * 10 };
        moments.push(Moment { ms, rgba: canvas.clone() });
        match frame.dispose {
            DisposalMethod::Previous => canvas = before,
            DisposalMethod::Background => {
                (0..frame.buffer.len() / 4).for_each(|at| canvas[place(at)..][..4].fill(0));
            }
            _ => {}
        }
    }
    Show { size, loops: 0, moments }
}

fn resized(rgba: &[u8], (width, height): Size, to: Size) -> Vec<u8> {
    let whole = Raster { width, height, layout: Layout::Rgba, pixels: rgba.to_vec() };
    resize::resized(&whole, to, None, &mut Resizer::new(), &mut Pool::default()).unwrap().pixels
}

/// How far each channel is apart before black.
fn differences(one: &[u8], other: &[u8]) -> impl Iterator<Item = u32> {
    let before_black = |[r, g, b, alpha]: [u8; 4]| {
        let shown = |value: u8| u32::from(value) * u32::from(alpha) / 255;
        [shown(r), shown(g), shown(b), alpha.into()]
    };
    let pixels = one.as_chunks::<4>().0.iter().zip(other.as_chunks::<4>().0);
    pixels.flat_map(move |(one, other)| {
        let (one, other) = (before_black(*one), before_black(*other));
        [0, 1, 2, 3].map(|at| one[at].abs_diff(other[at]))
    })
}

fn distance(one: &[u8], other: &[u8]) -> f64 {
    f64::from(differences(one, other).sum::<u32>()) / f64::from(u32::try_from(one.len()).unwrap())
}

fn farthest(one: &[u8], other: &[u8]) -> u32 {
    differences(one, other).max().unwrap()
}

#[test]
fn the_animations_of_the_corpus_move_as_they_did() {
    for (file, side, most) in [
        ("photos/gif_earth_400_44f.gif", 320, 3.0),
        ("photos/gif_muybridge_472x298_380f.gif", 200, 4.0),
        ("photos/webp_anim_320x240_101f.webp", 160, 5.0),
    ] {
        let original = corpus::read(file);
        let meant = if file.ends_with("gif") { play_gif(&original) } else { play(&original).unwrap() };
        let made = one(&original, moving(side));
        let shown = play(&made).unwrap_or_else(|| panic!("{file} does not move"));
        assert_eq!(shown.ms(), meant.ms(), "{file}");
        let (mut start, mut worst, mut frozen) = (0, 0.0f64, 0);
        let first = shown.at(0).to_vec();
        for moment in &meant.moments {
            let expected = resized(&moment.rgba, meant.size, shown.size);
            worst = worst.max(distance(&expected, shown.at(start)));
            frozen += usize::from(shown.at(start) == first);
            start += moment.ms;
        }
        assert!(worst < most, "{file}: {worst}");
        assert!(frozen * 10 < meant.moments.len(), "{file}: {frozen} moments show the first frame");
    }
}

#[test]
fn every_animated_webp_is_put_together_as_libwebp_does() {
    let manifest = String::from_utf8(corpus::read("hostile/manifest.tsv")).unwrap();
    let hostile =
        manifest.lines().skip(1).filter_map(|line| line.split('\t').next()).filter(|name| !name.starts_with("bomb"));
    let files = hostile.map(|name| format!("hostile/{name}")).chain(["photos/webp_anim_320x240_101f.webp".to_owned()]);
    let (mut seen, mut drawn) = (0, Vec::new());
    for file in files.filter(|name| name.ends_with("webp")) {
        let bytes = corpus::read(&file);
        let Some(meant) = play(&bytes).filter(|show| show.moments.len() > 1) else { continue };
        let mut pool = Pool::default();
        let mut frames = Frames::open(Format::Webp, &bytes, &limits()).unwrap().unwrap();
        let mut scene = Scene::new(meant.size, &mut pool).unwrap();
        assert_eq!(u32::from(frames.loops()), meant.loops, "{file}");
        for (at, moment) in meant.moments.iter().enumerate() {
            let frame = frames.next(&limits(), &mut pool).unwrap().unwrap();
            scene.show(&frame, &mut pool).unwrap();
            let apart = farthest(&scene.canvas().pixels, &moment.rgba);
            assert!(apart <= 1 && frame.ms == moment.ms, "{file}: frame {at} is {apart} apart");
            drawn.push((frame.draw, frame.after));
        }
        assert!(frames.next(&limits(), &mut pool).unwrap().is_none(), "{file}");
        seen += 1;
    }
    assert!(seen >= 1 && drawn.iter().any(|(draw, _)| *draw == Draw::Blended), "{seen} files, {drawn:?}");
}

#[test]
fn what_moves_comes_after_all_that_does_not_and_only_where_it_is_asked_for() {
    let original = corpus::read("photos/gif_earth_400_44f.gif");
    let specs = [
        spec("large", moving(100)),
        spec("small", moving(30)),
        spec("still", Params::of_box(400, 400)),
        spec("tiny", Params::of_box(20, 20)),
    ];
    let made = make(&original, &specs, &limits());
    let order: Vec<(usize, bool)> =
        made.iter().map(|(index, bytes)| (*index, play(bytes).is_some_and(|show| show.moments.len() > 1))).collect();
    assert_eq!(order, [(3, false), (2, false), (1, true), (0, true)]);
    assert_eq!(made, make(&original, &specs, &limits()), "the same bytes again");
    let still = corpus::read("hostile/valid/png_RGBA.png");
    assert_eq!(one(&still, moving(30)), one(&still, Params::of_box(30, 30)));
}

#[test]
fn a_piece_that_is_cut_out_moves_too_in_any_light() {
    let original = corpus::read("photos/webp_anim_320x240_101f.webp");
    let params = Params { fit: Fit::Cover, light: Light::Linear, ..moving(63) };
    let shown = play(&one(&original, params)).unwrap();
    let meant = play(&original).unwrap();
    assert_eq!((shown.size, shown.ms()), ((63, 63), meant.ms()));
    for at in [0, meant.ms() / 2] {
        let canvas = Raster { width: 320, height: 240, layout: Layout::Rgba, pixels: meant.at(at).to_vec() };
        let apart = |left| {
            let piece = resize::Crop { left, top: 0.0, width: 240.0, height: 240.0 };
            let piece = light::cut(&canvas, (63, 63), piece, &mut Pool::default()).unwrap();
            distance(&piece.pixels, shown.at(at))
        };
        assert!(apart(40.0) < 7.0 && apart(40.0) < apart(44.0).min(apart(36.0)), "{} after {at} ms", apart(40.0));
    }
}

#[test]
fn beyond_the_budget_there_is_a_still() {
    let original = corpus::read("photos/gif_earth_400_44f.gif");
    let still = one(&original, Params::of_box(40, 40));
    let pixels = (400 * 400 + 40 * 40) * 44;
    for (animation_pixels_max, animation_frames_max, moves) in
        [(pixels, 44, true), (pixels - 1, 44, false), (pixels, 43, false), (0, 0, false)]
    {
        let limits = Limits { animation_pixels_max, animation_frames_max, ..limits() };
        let made = make(&original, &[spec("one", moving(40))], &limits).remove(0).1;
        assert_eq!(made != still, moves, "{animation_pixels_max} {animation_frames_max}");
    }
    // What is enlarged costs what it becomes.
    let large = Params { enlarge: true, ..moving(2_200) };
    let made = make(&original, &[spec("one", large)], &limits()).remove(0).1;
    assert!(play(&made).is_none_or(|show| show.moments.len() == 1));
}

#[test]
fn what_has_no_time_left_to_move_is_no_still() {
    let original = corpus::read("photos/gif_earth_400_44f.gif");
    let specs = [spec("still", Params::of_box(20, 20)), spec("moving", moving(400))];
    let limits = Limits::until(Instant::now() + Duration::from_secs(2));
    let mut made = Vec::new();
    let late = Transcoder::new().run(&original, &specs, &limits, &mut |output| {
        made.push(output.index);
        std::thread::sleep(limits.deadline.saturating_duration_since(Instant::now()));
        Ok(())
    });
    // By another worker, or at another hour, it would be another file.
    assert!(matches!(late, Err(PixelError::TooCostly(TooCostly::Deadline(Step::Animate)))), "{late:?}");
    assert_eq!(made, [0]);
}

#[test]
fn the_file_holds_pictures_and_nothing_else() {
    for file in ["photos/gif_earth_400_44f.gif", "photos/webp_anim_320x240_101f.webp"] {
        let made = one(&corpus::read(file), moving(64));
        let mut names: Vec<String> = crate::decode::riff::Chunks::of(&made)
            .unwrap()
            .map(|chunk| String::from_utf8_lossy(&chunk.unwrap().name).into_owned())
            .collect();
        names.dedup();
        assert_eq!(names, ["VP8X", "ANIM", "ANMF"], "{file}");
        for trace in [b"EXIF".as_slice(), b"Exif", b"ICCP", b"XMP ", b"NETSCAPE"] {
            assert!(!made.windows(trace.len()).any(|window| window == trace), "{file}");
        }
    }
}

#[test]
fn an_animation_is_turned_upright() {
    let original = corpus::read("photos/webp_anim_320x240_101f.webp");
    let plain = one(&original, moving(64));
    let mut lying = plain.clone();
    // The flag of EXIF, and a chunk of it that says "turn a quarter".
    lying[20] |= 0x08;
    lying.extend(b"EXIF\x1a\0\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
    let len = u32::try_from(lying.len() - 8).unwrap();
    lying[4..8].copy_from_slice(&len.to_le_bytes());
    let (plain, turned) = (play(&plain).unwrap(), play(&one(&lying, moving(64))).unwrap());
    assert_eq!((turned.size, turned.ms()), ((plain.size.1, plain.size.0), plain.ms()));
    let (width, height) = plain.size;
    for at in [0, plain.ms() / 2, plain.ms() - 1] {
        let (before, after) = (plain.at(at), turned.at(at));
        let back: Vec<u8> = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x * height + (height - 1 - y)) as usize * 4))
            .flat_map(|from| after[from..from + 4].to_vec())
            .collect();
        assert!(distance(before, &back) < 6.0, "{}", distance(before, &back));
    }
}
