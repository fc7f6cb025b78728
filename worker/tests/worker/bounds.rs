//! What a child may use up: its CPU time and its memory, and that the next file
//! has them anew.

use crate::{
    corpus::{all, bounded_pool, photo, read, real_child, work},
    misbehaving_child::misbehaving_child,
};
use heim_common::job::Reason;
use heim_worker::{
    PixelsConfig,
    children::{PixelFailure, Pool},
};
use serde_json::Value;
use std::{fs, os::unix::process::ExitStatusExt, path::Path};

/// Every bound of the section `pixels`, and the test that tries it at its edge and past it.
const TESTS: &[(&str, &[&str])] = &[
    ("decoders", &["a_format_whose_decoder_is_switched_off_is_not_decoded"]),
    ("require_sandbox", &["a_missing_wall_is_said_and_an_error_where_it_is_required"]),
    ("address_space_bytes", &["memory_that_there_is_not_fails_one_file"]),
    ("decoded_bytes_max", &["decoded_bytes_max_at_and_past_its_edge"]),
    ("scans_max", &["scans_max_at_and_past_its_edge"]),
    ("cpu_s", &["each_file_has_its_cpu_time_anew", "a_file_that_uses_up_its_cpu_time_is_too_costly"]),
];

const SIGABRT: i32 = 6;
const SIGXCPU: i32 = 24;

async fn end(pool: &Pool, file: &str) -> Result<(), PixelFailure> {
    all(pool.run(work(file.as_bytes())).await).await.1.map(drop)
}

#[tokio::test]
async fn a_file_that_uses_up_its_cpu_time_is_too_costly() {
    let pool = bounded_pool(&misbehaving_child(), PixelsConfig { cpu_s: 1, ..PixelsConfig::default() });
    // A second, one more for the limit's coarseness, and one since the kernel
    // counts for it by its ticks.
    let failure = end(&pool, "spin 3000").await.unwrap_err();
    assert_eq!(failure.reason(), Reason::TooCostly, "{failure}");
    let PixelFailure::Died(death) = &failure else { panic!("{failure}") };
    assert_eq!(death.status.signal(), Some(SIGXCPU), "{failure}");
    assert!(failure.to_string().contains("it has used up its CPU time"), "{failure}");
    end(&pool, "work 4").await.unwrap();
}

#[tokio::test]
async fn each_file_has_its_cpu_time_anew() {
    let pool = bounded_pool(&misbehaving_child(), PixelsConfig { cpu_s: 1, ..PixelsConfig::default() });
    for _ in 0..4 {
        end(&pool, "spin 700\nwork 4").await.unwrap();
    }
}

#[tokio::test]
async fn memory_that_there_is_not_fails_one_file() {
    let pixels = PixelsConfig { address_space_bytes: 1 << 30, ..PixelsConfig::default() };
    let pool = bounded_pool(&misbehaving_child(), pixels);
    end(&pool, &format!("allocate {}\nwork 4", 256 << 20)).await.unwrap();
    let failure = end(&pool, &format!("allocate {}", 1 << 30)).await.unwrap_err();
    let PixelFailure::Died(death) = &failure else { panic!("{failure}") };
    assert_eq!(death.status.signal(), Some(SIGABRT), "{failure}");
    assert!(death.words.contains("memory allocation of 1073741824 bytes failed"), "{failure}");
    end(&pool, "work 4").await.unwrap();
}

#[tokio::test]
async fn a_picture_that_needs_more_memory_than_there_is_is_too_costly_and_fails_alone() {
    let pixels = PixelsConfig { address_space_bytes: 80 << 20, ..PixelsConfig::default() };
    let pool = bounded_pool(&real_child(), pixels);
    for _ in 0..2 {
        let (outputs, end) = all(pool.run(work(&photo("p12_photo_rgb.png"))).await).await;
        assert!(outputs.is_empty());
        let failure = end.unwrap_err();
        assert!(matches!(failure, PixelFailure::Refused { reason: Reason::TooCostly, .. }), "{failure}");
        all(pool.run(work(&read("hostile", "valid/base_jpg.jpg"))).await).await.1.unwrap();
    }
}

/// Whether a file is too costly for a child with these bounds, or goes well.
async fn is_too_costly(pixels: PixelsConfig, file: &[u8]) -> bool {
    let (outputs, end) = all(bounded_pool(&real_child(), pixels).run(work(file)).await).await;
    match end {
        Ok(_) => false,
        Err(PixelFailure::Refused { reason: Reason::TooCostly, .. }) => outputs.is_empty(),
        Err(failure) => panic!("{failure}"),
    }
}

#[tokio::test]
async fn decoded_bytes_max_at_and_past_its_edge() {
    let png = photo("p12_photo_rgb.png");
    let side = |at: usize| u64::from(u32::from_be_bytes(png[at..at + 4].try_into().unwrap()));
    let decoded_bytes_max = side(16) * side(20) * 3;
    let pixels = PixelsConfig { decoded_bytes_max, ..PixelsConfig::default() };
    assert!(!is_too_costly(pixels, &png).await);
    assert!(is_too_costly(PixelsConfig { decoded_bytes_max: decoded_bytes_max - 1, ..pixels }, &png).await);
}

#[tokio::test]
async fn scans_max_at_and_past_its_edge() {
    let jpeg = photo("j12_book_prog_420.jpg");
    // Behind the header there is no other marker of two such bytes.
    let frame = jpeg.windows(2).rposition(|marker| marker == [0xff, 0xc2]).expect("it is progressive");
    let scans = jpeg[frame..].windows(2).filter(|marker| *marker == [0xff, 0xda]).count();
    let scans_max = u32::try_from(scans).unwrap();
    assert!(scans_max > 1);
    let pixels = PixelsConfig { scans_max, ..PixelsConfig::default() };
    assert!(!is_too_costly(pixels, &jpeg).await);
    assert!(is_too_costly(PixelsConfig { scans_max: scans_max - 1, ..pixels }, &jpeg).await);
}

#[test]
fn every_bound_of_a_child_has_a_test() {
    let Ok(Value::Object(bounds)) = serde_json::to_value(PixelsConfig::default()) else { panic!("a table") };
    let sources = ["bounds.rs", "missing_walls.rs", "real_children.rs"];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worker");
    let all: String = sources.iter().map(|name| fs::read_to_string(folder.join(name)).unwrap()).collect();
    for bound in bounds.keys() {
        let tests = TESTS.iter().find(|(key, _)| key == bound).unwrap_or_else(|| panic!("pixels.{bound} has no test"));
        for test in tests.1 {
            assert!(all.contains(&format!("fn {test}(")), "pixels.{bound}: there is no test {test}");
        }
    }
    assert_eq!(bounds.len(), TESTS.len(), "a bound that is gone needs no test");
}
