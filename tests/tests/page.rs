//! The room's page in a real Chromium: two people, one photo dropped, both see
//! it arrive. The script is `tests/browser/room.mjs`.

use heim_tests::{corpus, standalone::Standalone};
use std::{path::Path, process::Command};

#[tokio::test]
async fn a_photo_that_one_drops_is_seen_by_both() {
    let browser = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    assert!(browser.join("node_modules/playwright-core").is_dir(), "`make test-tools` installs playwright-core");
    assert!(Path::new("/usr/bin/chromium").exists(), "`scripts/require chromium` installs Chromium");
    let served = Standalone::start().await;
    let folder = tempfile::tempdir().expect("a folder for screenshots");
    let damaged = folder.path().join("damaged.jpg");
    std::fs::write(&damaged, &corpus::read(corpus::PHOTO)[..1_200_000]).expect("a photo that was cut short");
    // `CARGO_TARGET_TMPDIR` stays, so the screenshots can be looked at.
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let page = format!("{}/room/welcome/", served.base());
    let script = tokio::task::spawn_blocking({
        let shots = shots.to_owned();
        move || {
            let mut node = Command::new("node");
            node.arg("room.mjs")
                .arg(page)
                .args([corpus::path(corpus::PHOTO), corpus::path(corpus::SMALL)])
                .arg(damaged)
                .arg(shots)
                .current_dir(browser);
            node.output().expect("node runs")
        }
    });
    let output = script.await.expect("the script ends");
    let words = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{words}");
    for name in ["wide-light.png", "narrow-dark.png", "viewer.png"] {
        assert!(shots.join(name).metadata().is_ok_and(|file| file.len() > 10_000), "screenshot {name}");
    }
}
