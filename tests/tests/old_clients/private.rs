//! doclib, which knows passcodes, in a private room where pictures are posted.

use crate::{
    driven::Driven,
    talking::{OFTEN, over, plain, plain_all, plain_log, post},
};
use heim_tests::{
    admitted::admitted,
    client::Entrance,
    corpus,
    keyed::TOKEN,
    operator::Operator,
    packets::Ending,
    sharing::{NAMES, names},
    standalone::Standalone,
    strict::Strict,
};
use serde_json::{Value, json};

const PASSCODE: &str = "sesame, if you please";

#[tokio::test]
async fn doclib_enters_a_private_room_and_notices_nothing() {
    let heim = Standalone::with(&[("admin.token", TOKEN), OFTEN]).await;
    let operator = Operator::new(heim.base(), TOKEN);
    operator.make_private("vault", PASSCODE).await;
    let ana = admitted(heim.base(), "vault", PASSCODE, Entrance::aware(), "ana").await;
    let ben = admitted(heim.base(), "vault", PASSCODE, Entrance::aware(), "ben").await;
    let mut strict = Strict::over(admitted(heim.base(), "vault", PASSCODE, Entrance::unaware(), "strict").await);
    let (before, _) = post(&ana, "nobody else sees this", corpus::SMALL).await;
    assert!(before["encryption_key_id"].as_str().is_some_and(|key| key.starts_with("v1/")), "{before}");

    let mut old = Driven::enter_private(heim.base(), "vault", "old", PASSCODE).await;
    assert_eq!(old.of("hello-event")[0]["room_is_private"], true);
    assert_eq!(old.of("bounce-event").len(), 1);
    assert_eq!(plain_log(&old.of("snapshot-event")[0]), [plain(&before)]);
    let hello = ben.send("hello, old one", &[]).await;
    old.sees(&hello["id"]).await;
    let answer = old.say("hello to you", hello["id"].as_str()).await;
    let (posted, id) = post(&ana, "and neither this", corpus::SMALL).await;
    old.sees(&posted["id"]).await;
    assert_eq!(
        plain_all(&old.saw()),
        plain_all(&[hello.clone(), posted.clone()]),
        "what it was given is what was sent"
    );
    let said = plain_all(&[before, hello, answer, posted]);
    assert_eq!(plain_all(&old.whole_log(2).await), said);
    assert_eq!(old.who().await, ["ana", "ben", "old", "strict"]);
    let snapshot = old.reconnect().await;
    assert_eq!((plain_log(&snapshot), &snapshot["nick"]), (said, &json!("old")));
    over(&ana, &mut strict, std::slice::from_ref(&old)).await;
    assert_eq!(names(&ana, id).len(), NAMES.len(), "there were media events, and not for everybody");
    assert_eq!(strict.others(), ["ana", "ben", "old"]);
    old.assert_noticed_nothing(2);

    operator.change_passcode("vault", "another one, if you please").await;
    assert!(matches!(strict.client.heard.ending().await, Ending::Closed(_)));
    strict.look();
    let goodbye = |all: &[Value]| all.iter().any(|seen| seen["heard"]["type"] == "disconnect-event").then_some(());
    old.wait_for("why it has to go", goodbye).await;
}
