//! The room's page in a real Chromium: people who drop photos in a public room, a
//! private one with all that becomes of it, and coordinators that go away. The
//! scripts are in `tests/browser`.

mod away;

use heim_tests::{corpus, s3::S3, standalone::Standalone};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

const ADMIN_TOKEN: &str = "the token of the operator";

/// Where screenshots go. It stays, so they can be looked at.
fn shots() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// Runs one of the scripts, which fails with words of its own. Returns what it
/// prints.
async fn drive(script: &'static str, arguments: Vec<OsString>) -> String {
    let browser = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    assert!(browser.join("node_modules/playwright-core").is_dir(), "`make test-tools` installs playwright-core");
    assert!(Path::new("/usr/bin/chromium").exists(), "`scripts/require chromium` installs Chromium");
    let run = move || {
        Command::new("node").arg(script).args(arguments).arg(shots()).current_dir(browser).output().expect("node runs")
    };
    let output = tokio::task::spawn_blocking(run).await.expect("the script ends");
    let [printed, words] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{printed}{words}");
    printed
}

fn assert_shot(name: &str) {
    let file = shots().join(name).metadata();
    assert!(file.is_ok_and(|file| file.len() > 10_000), "screenshot {name}");
}

#[tokio::test]
async fn a_photo_that_one_drops_is_seen_by_both() {
    let served = Standalone::start().await;
    let folder = tempfile::tempdir().expect("a folder for a file");
    let damaged = folder.path().join("damaged.jpg");
    std::fs::write(&damaged, &corpus::read(corpus::PHOTO)[..1_200_000]).expect("a photo that was cut short");
    let page = format!("{}/room/welcome/", served.base());
    let [photo, small] = [corpus::PHOTO, corpus::SMALL].map(corpus::path);
    drive("room.mjs", vec![page.into(), photo.into(), small.into(), damaged.into()]).await;
    for name in ["wide-light.png", "narrow-dark.png", "viewer.png"] {
        assert_shot(name);
    }
}

#[tokio::test]
async fn a_page_shows_photos_that_come_from_the_stores_own_server() {
    let s3 = S3::start();
    let own = S3::settings("of/this/page", s3.port());
    let settings = own.iter().map(|(key, value)| (*key, value.as_str()));
    let settings: Vec<_> = settings.chain([("store.presigned_redirects", "true")]).collect();
    let served = Standalone::with(&settings).await;
    let page = format!("{}/room/welcome/", served.base());
    drive("redirected.mjs", vec![page.into(), corpus::path(corpus::PHOTO).into()]).await;
    assert_shot("redirected.png");
    assert!(s3.seen().iter().any(|seen| seen.target.contains("X-Amz-Signature") && seen.method == "GET"));
}

#[tokio::test]
async fn a_private_room_opens_to_its_passcode_alone() {
    let served = Standalone::with(&[("admin.token", ADMIN_TOKEN)]).await;
    drive("private.mjs", vec![served.base().into(), ADMIN_TOKEN.into(), corpus::path(corpus::PHOTO).into()]).await;
    for name in ["gate", "deleted", "wide", "narrow", "changed"] {
        assert_shot(&format!("private-{name}.png"));
    }
}
