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
use std::os::unix::process::ExitStatusExt;

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
