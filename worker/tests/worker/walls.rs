//! What a child cannot do, tried from inside.

use crate::{
    corpus::{PHOTO, all, bounded_pool, every_type, folder_of, photo, real_child, work},
    walled_child::{ATTEMPTS, walled_child},
};
use heim_common::job::Reason;
use heim_worker::{
    PixelsConfig,
    children::{PixelFailure, PixelWork, Standing, Wall},
};
use std::{fs, os::unix::process::ExitStatusExt};

const SIGSYS: i32 = 31;

fn strict() -> PixelsConfig {
    PixelsConfig { require_sandbox: true, ..PixelsConfig::default() }
}

#[tokio::test]
async fn every_wall_is_up_around_a_real_child_and_it_works() {
    let pool = bounded_pool(&real_child(), strict());
    assert_eq!(pool.walls().iter().count(), Wall::ALL.len());
    for (wall, standing) in pool.walls().iter() {
        assert!(matches!(standing, Standing::Up(_)), "{}: {standing}", wall.as_str());
    }
    all(pool.run(work(&photo(PHOTO))).await).await.1.unwrap();
}

#[tokio::test]
async fn whatever_a_decoder_in_foreign_hands_tries_it_dies_of() {
    let pool = bounded_pool(&walled_child(), strict());
    for attempt in ATTEMPTS {
        let failure = all(pool.run(work(attempt.as_bytes())).await).await.1.unwrap_err();
        let PixelFailure::Died(death) = &failure else { panic!("{failure}") };
        assert_eq!(death.status.signal(), Some(SIGSYS), "{attempt}: {failure}");
        assert_eq!(failure.reason(), Reason::ChildDied);
        assert!(failure.to_string().contains("it made a system call that is forbidden to it"), "{failure}");
    }
    // It is the attempts that kill, and not the trying.
    let failure = all(pool.run(work(b"nothing")).await).await.1.unwrap_err();
    assert!(matches!(&failure, PixelFailure::Refused { detail, .. } if detail == "nothing: Ok(())"), "{failure}");
}

/// Where an honest picture makes a call that is not among those that a child may
/// make, the list is wrong.
#[tokio::test]
async fn no_photo_runs_into_a_wall() {
    let pool = bounded_pool(&real_child(), strict());
    let photos = fs::read_dir(folder_of("photos")).unwrap().map(|entry| entry.unwrap().path());
    let mut wrong = Vec::new();
    for photo in photos.filter(|photo| photo.is_file()) {
        let bytes = fs::read(&photo).unwrap();
        let (outputs, end) = all(pool.run(PixelWork { specs: every_type(), ..work(&bytes) }).await).await;
        let refused_well = matches!(&end, Err(PixelFailure::Refused { reason, .. }) if *reason != Reason::Internal);
        let is_made = end.is_ok() && outputs.len() == every_type().len();
        if !refused_well && !is_made {
            wrong.push(format!("{}: {end:?}", photo.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
