//! The rules by which a GIF's frames are put together, each with a small file of
//! its own: four quarters of 16 x 16 pixels.

use super::motion::{limits, make, moving, one, spec};
use crate::webp_ffi::player::{Show, play};
use gif::{DisposalMethod, Encoder, Frame, Repeat};
use heim_common::spec::Params;

const SIDE: u16 = 32;
const HALF: u16 = SIDE / 2;
const RED: u8 = 0;
const GREEN: u8 = 1;
const BLUE: u8 = 2;
/// Of no colour where a frame says so.
const NONE: u8 = 3;
const PALETTE: [u8; 12] = [220, 30, 30, 30, 200, 30, 30, 30, 210, 0, 0, 0];

/// A frame of one colour.
fn flat(color: u8, place: (u16, u16), size: (u16, u16), dispose: DisposalMethod) -> Frame<'static> {
    Frame {
        delay: 10,
        dispose,
        transparent: Some(NONE),
        left: place.0,
        top: place.1,
        width: size.0,
        height: size.1,
        buffer: vec![color; usize::from(size.0) * usize::from(size.1)].into(),
        ..Frame::default()
    }
}

fn whole(color: u8) -> Frame<'static> {
    flat(color, (0, 0), (SIDE, SIDE), DisposalMethod::Keep)
}

fn quarter(color: u8, place: (u16, u16), dispose: DisposalMethod) -> Frame<'static> {
    flat(color, place, (HALF, HALF), dispose)
}

fn gif(frames: &[Frame<'_>], repeat: Option<Repeat>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, SIDE, SIDE, &PALETTE).unwrap();
    if let Some(repeat) = repeat {
        encoder.set_repeat(repeat).unwrap();
    }
    for frame in frames {
        encoder.write_frame(frame).unwrap();
    }
    drop(encoder);
    bytes
}

fn params() -> Params {
    Params { quality: 100, ..moving(SIDE.into()) }
}

fn show(file: &[u8]) -> Show {
    play(&one(file, params())).expect("it moves")
}

/// The colour in the middle of each quarter, row by row.
fn quarters(rgba: &[u8]) -> [u8; 4] {
    [(8, 8), (24, 8), (8, 24), (24, 24)].map(|(x, y)| {
        let pixel = &rgba[(y * usize::from(SIDE) + x) * 4..][..4];
        let near = |color: &[u8]| color.iter().zip(pixel).all(|(one, other)| one.abs_diff(*other) < 24);
        if pixel[3] == 0 {
            return NONE;
        }
        let found = PALETTE.chunks_exact(3).position(near).unwrap_or_else(|| panic!("{pixel:?} at {x}, {y}"));
        u8::try_from(found).unwrap()
    })
}

/// What is shown, moment by moment.
fn moments(frames: &[Frame<'_>]) -> Vec<[u8; 4]> {
    show(&gif(frames, None)).moments.iter().map(|moment| quarters(&moment.rgba)).collect()
}

const RED_WHOLE: [u8; 4] = [RED; 4];

#[test]
fn each_way_to_dispose_of_a_frame_is_followed() {
    for (dispose, left) in [
        (DisposalMethod::Any, GREEN),
        (DisposalMethod::Keep, GREEN),
        (DisposalMethod::Background, NONE),
        (DisposalMethod::Previous, RED),
    ] {
        let frames = [whole(RED), quarter(GREEN, (0, 0), dispose), quarter(BLUE, (16, 16), DisposalMethod::Keep)];
        let expected = [RED_WHOLE, [GREEN, RED, RED, RED], [left, RED, RED, BLUE]];
        assert_eq!(moments(&frames), expected, "{dispose:?}");
    }
}

#[test]
fn what_comes_back_is_what_was_there_before_the_frame() {
    let frames = [
        flat(RED, (0, 0), (SIDE, SIDE), DisposalMethod::Previous),
        quarter(GREEN, (0, 0), DisposalMethod::Previous),
        flat(BLUE, (0, 0), (HALF, SIDE), DisposalMethod::Previous),
        quarter(GREEN, (16, 0), DisposalMethod::Keep),
    ];
    let expected = [RED_WHOLE, [GREEN, NONE, NONE, NONE], [BLUE, NONE, BLUE, NONE], [NONE, GREEN, NONE, NONE]];
    assert_eq!(moments(&frames), expected);
}

#[test]
fn transparent_pixels_let_through_what_is_there() {
    let mut patch = whole(NONE);
    let buffer = patch.buffer.to_mut();
    (0..16 * 32).filter(|at| at % 32 >= 16).for_each(|at| buffer[at] = BLUE);
    assert_eq!(moments(&[whole(RED), patch]), [RED_WHOLE, [RED, BLUE, RED, RED]]);
}

#[test]
fn a_frame_that_leaves_the_canvas_is_cut_off() {
    let frames = [
        whole(RED),
        flat(GREEN, (16, 16), (40, 50), DisposalMethod::Background),
        flat(BLUE, (90, 90), (4, 4), DisposalMethod::Keep),
    ];
    assert_eq!(moments(&frames), [RED_WHOLE, [RED, RED, RED, GREEN], [RED, RED, RED, NONE]]);
}

#[test]
fn a_first_frame_that_covers_a_part_leaves_the_rest_transparent() {
    let frames = [quarter(RED, (16, 0), DisposalMethod::Keep), quarter(BLUE, (0, 16), DisposalMethod::Keep)];
    assert_eq!(moments(&frames), [[NONE, RED, NONE, NONE], [NONE, RED, BLUE, NONE]]);
}

#[test]
fn interlaced_rows_come_in_their_order() {
    let rows = |order: &mut dyn Iterator<Item = usize>| -> Vec<u8> {
        order.flat_map(|row| vec![if row < 16 { BLUE } else { GREEN }; SIDE.into()]).collect()
    };
    let passes = [(0, 8), (4, 8), (2, 4), (1, 2)];
    let mut interlaced = whole(RED);
    interlaced.buffer = rows(&mut passes.into_iter().flat_map(|(from, step)| (from..32).step_by(step))).into();
    interlaced.interlaced = true;
    assert_eq!(moments(&[whole(RED), interlaced]), [RED_WHOLE, [BLUE, BLUE, GREEN, GREEN]]);
}

#[test]
fn times_are_kept_and_nothing_new_takes_no_frame() {
    let after = |frame: Frame<'static>, delay| Frame { delay, ..frame };
    let frames = [
        after(whole(RED), 0),
        after(whole(RED), 1),
        after(quarter(GREEN, (0, 0), DisposalMethod::Keep), 2),
        after(quarter(NONE, (0, 0), DisposalMethod::Keep), 3),
        after(quarter(BLUE, (0, 0), DisposalMethod::Keep), u16::MAX),
    ];
    let shown = show(&gif(&frames, None));
    let times: Vec<u32> = shown.moments.iter().map(|moment| moment.ms).collect();
    assert_eq!(times, [200, 50, 655_350]);
    assert_eq!(one(&gif(&frames[..2], None), params()), one(&gif(&frames[..1], None), params()), "nothing moves");
}

#[test]
fn loops_are_counted_as_webp_counts_them() {
    let frames = [whole(RED), whole(BLUE)];
    for (repeat, loops) in [
        (None, 1),
        (Some(Repeat::Infinite), 0),
        (Some(Repeat::Finite(3)), 4),
        (Some(Repeat::Finite(u16::MAX)), u32::from(u16::MAX)),
    ] {
        assert_eq!(show(&gif(&frames, repeat)).loops, loops, "{repeat:?}");
    }
}

/// A frame without pixels, shown for half a second.
const NO_PIXELS: &[u8] = b"\x21\xf9\x04\x04\x32\0\0\0\x2c\0\0\0\0\0\0\0\0\0\x02\x02\x44\x01\0";
/// A frame whose data are none: no code can be this wide.
const DAMAGED: &[u8] = b"\x2c\0\0\0\0\x20\0\x20\0\0\x0f\x02\xff\xff\0";

/// Puts blocks before the end of a file.
fn with(mut file: Vec<u8>, blocks: &[u8]) -> Vec<u8> {
    assert_eq!(file.pop(), Some(0x3b));
    file.extend(blocks);
    file.push(0x3b);
    file
}

#[test]
fn a_frame_without_pixels_takes_its_time() {
    let file = with(gif(&[whole(RED), whole(BLUE)], None), NO_PIXELS);
    let times: Vec<u32> = show(&file).moments.iter().map(|moment| moment.ms).collect();
    assert_eq!(times, [100, 600]);
}

#[test]
fn a_damaged_frame_ends_the_animation_before_it() {
    let good = gif(&[whole(RED), whole(BLUE)], None);
    assert_eq!(one(&with(good.clone(), DAMAGED), params()), one(&good, params()));
    let still = one(&gif(&[whole(RED)], None), params());
    assert_eq!(one(&with(gif(&[whole(RED)], None), DAMAGED), params()), still);
    assert!(play(&still).is_none_or(|show| show.moments.len() == 1));
}

#[test]
fn frames_that_are_larger_than_their_canvas_count_as_what_they_are() {
    let large = flat(BLUE, (0, 0), (1_000, 1_000), DisposalMethod::Keep);
    let file = gif(&[whole(RED), large.clone(), large], None);
    let made = |pixels| {
        let limits = crate::Limits { animation_pixels_max: pixels, ..limits() };
        let bytes = make(&file, &[spec("one", params())], &limits).remove(0).1;
        play(&bytes).is_some_and(|show| show.moments.len() > 1)
    };
    assert!(made(2_001_024) && !made(2_001_023));
}
