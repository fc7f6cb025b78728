//! What the worker's own children do with real files.

use crate::corpus::{PHOTO, all, bounded_pool, photo, pool, real_child, work};
use heim_common::{
    header::Format,
    job::Reason,
    spec::{OutputType, default_specs},
};
use heim_pixels::{Decoders, Limits, Transcoder};
use heim_worker::{
    PixelsConfig,
    children::{PixelFailure, PixelWork},
};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

#[tokio::test]
async fn a_photo_comes_back_smallest_first_and_as_the_library_makes_it() {
    let bytes = photo(PHOTO);
    let pool = pool(&real_child(), 1);
    let mut request = work(&bytes);
    request.specs.reverse();
    let (outputs, end) = all(pool.run(request).await).await;
    let widths: Vec<_> = outputs.iter().map(|output| (output.index, output.width, output.height)).collect();
    assert_eq!(widths, [(3, 160, 120), (2, 320, 240), (1, 640, 480), (0, 1280, 960)]);
    let description = end.unwrap();
    assert_eq!((description.width, description.height, description.frames), (4032, 3024, 1));
    assert_eq!(outputs[0].description.as_ref(), Some(&description));
    assert!(outputs[1..].iter().all(|output| output.description.is_none()));

    let limits = Limits { pixels_max: 100_000_000, ..Limits::until(Instant::now() + Duration::from_mins(1)) };
    let mut expected = Vec::new();
    let mut sink = |output: heim_pixels::Output<'_>| {
        expected.push(output.bytes.to_vec());
        Ok(())
    };
    Transcoder::new().run(&bytes, &default_specs(), &limits, &mut sink).unwrap();
    let made: Vec<_> = outputs.iter().map(|output| output.bytes.to_vec()).collect();
    assert!(made == expected, "the child made other bytes than the library");
}

#[tokio::test]
async fn an_avif_is_read_by_builds_that_have_its_decoder() {
    let pool = pool(&real_child(), 1);
    let (outputs, end) = all(pool.run(work(&photo("avif20_canon70d.avif"))).await).await;
    if heim_pixels::can_write(OutputType::Avif) {
        assert_eq!((outputs.len(), end.unwrap().width), (4, 5472));
    } else {
        assert_eq!(end.unwrap_err().reason(), Reason::UnsupportedType);
    }
}

#[tokio::test]
async fn a_format_whose_decoder_is_switched_off_is_not_decoded() {
    let decoders = Decoders::of(&[Format::Jpeg, Format::Webp]).unwrap();
    let pool = bounded_pool(&real_child(), PixelsConfig { decoders, ..PixelsConfig::default() });
    let refused = all(pool.run(work(&photo("gif_earth_400_44f.gif"))).await).await.1.unwrap_err();
    assert_eq!(refused.reason(), Reason::UnsupportedType, "{refused}");
    all(pool.run(work(&photo(PHOTO))).await).await.1.unwrap();
}

#[tokio::test]
async fn two_children_share_eight_files() {
    let bytes = photo("j8_iphone6_420.jpg");
    let pool = std::sync::Arc::new(pool(&real_child(), 2));
    let mut runs = JoinSet::new();
    for _ in 0..8 {
        let (pool, work) = (pool.clone(), work(&bytes));
        runs.spawn(async move { all(pool.run(work).await).await });
    }
    for (outputs, end) in runs.join_all().await {
        end.unwrap();
        assert_eq!(outputs.len(), 4);
    }
}

#[tokio::test]
async fn a_refused_file_fails_alone() {
    let pool = pool(&real_child(), 1);
    let cut = &photo(PHOTO)[..200_000];
    let bomb = photo("png_bomb_65536sq.png");
    for (bytes, expected) in [
        (b"hello, I am called cat.png".as_slice(), Reason::UnsupportedType),
        (b"", Reason::UnsupportedType),
        (cut, Reason::Damaged),
        (&bomb, Reason::TooManyPixels),
    ] {
        let (outputs, end) = all(pool.run(work(bytes)).await).await;
        assert!(outputs.is_empty());
        assert!(matches!(end, Err(PixelFailure::Refused { reason, .. }) if reason == expected), "{end:?}");
    }
    let late = PixelWork { deadline: Duration::ZERO, ..work(&photo(PHOTO)) };
    assert_eq!(all(pool.run(late).await).await.1.unwrap_err().reason(), Reason::TooCostly);
    all(pool.run(work(&photo(PHOTO))).await).await.1.unwrap();
}
