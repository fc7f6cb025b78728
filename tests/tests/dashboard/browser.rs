//! The dashboard in a real Chromium. The script is `tests/browser/dashboard.mjs`;
//! screenshots go to the folder that `HEIM_DASHBOARD_SHOTS` names, if it does.

use crate::{TOKEN, poison::deadly, start_with};
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    corpus,
    operator::Operator,
    sharing::{finished, share_accepted},
    standalone::HOOKS,
    truth,
};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

#[tokio::test]
async fn operators_look_and_steer_in_a_browser() {
    let (heim, dashboard) = start_with(&[("jobs.deaths_max", "1")]).await;
    Operator::new(heim.base(), TOKEN).make_private("vault", "sesame").await;
    let ana = admitted(heim.base(), "vault", "sesame", Entrance::aware(), "ana").await;
    let ben = Client::enter(heim.base(), "welcome", Entrance::aware(), "ben").await;
    let shared = [
        (&ana, corpus::read(corpus::SMALL)),
        (&ben, deadly()),
        (&ben, corpus::read("hostile/trunc/jpg_15.jpg")),
        (&ben, corpus::read(corpus::SMALL)),
        (&ben, corpus::read(corpus::PHOTO)),
    ];
    for (client, bytes) in shared {
        let id = share_accepted(client, bytes).await;
        finished(client, id).await;
    }
    truth::settled(&heim.database().await).await;

    let (service, hooks) = (heim.base(), format!("{}:{}", HOOKS.0, HOOKS.1));
    let shots = [
        "login",
        "overview-wide-light",
        "overview-narrow-dark",
        "overview-narrow-light",
        "overview-wide-dark",
        "question",
        "poison-wide-light",
        "poison-narrow-dark",
        "silent-middle-light",
    ];
    script("dashboard.mjs", &[&dashboard.base, TOKEN], &[service, &hooks], &shots).await;
}

/// Runs a script with these words, the folder of screenshots and those words; it must end
/// well, and these screenshots must be there.
pub(crate) async fn script(name: &str, before: &[&str], behind: &[&str], shots: &[&str]) {
    let browser = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    assert!(browser.join("node_modules/playwright-core").is_dir(), "`make test-tools` installs playwright-core");
    assert!(Path::new("/usr/bin/chromium").exists(), "`scripts/require chromium` installs Chromium");
    let folder = std::env::var_os("HEIM_DASHBOARD_SHOTS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
    let mut node = Command::new("node");
    node.arg(name).args(before).arg(&folder).args(behind).current_dir(browser);
    let output = tokio::task::spawn_blocking(move || node.output()).await.expect("the script ends").expect("node runs");
    let words = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{words}");
    for shot in shots {
        let file = folder.join(format!("dashboard-{shot}.png")).metadata();
        assert!(file.is_ok_and(|file| file.len() > 5_000), "screenshot {shot}");
    }
}
