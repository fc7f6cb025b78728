//! All that can happen to pictures and messages in a public room, with every
//! old client and the strict one in it.

use crate::{
    driven::{ALL, Driven},
    talking::{OFTEN, over, post},
};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    keyed::TOKEN,
    operator::Operator,
    sharing::names,
    standalone::Standalone,
    strict::Strict,
    web::Web,
};
use serde_json::{Value, json};

/// A change of a message that everybody is told of.
async fn edit(manager: &Client, mut change: Value) -> Value {
    change["announce"] = json!(true);
    manager.command("edit-message", change).await
}

#[tokio::test]
async fn pictures_and_edits_show_the_others_nothing_that_heim_does_not_have() {
    let heim = Standalone::with(&[("admin.token", TOKEN), OFTEN]).await;
    let (base, operator) = (heim.base(), Operator::new(heim.base(), TOKEN));
    let ana = Client::enter(base, "welcome", Entrance::aware(), "ana").await;
    let mia = Client::enter(base, "welcome", Entrance::aware(), "mia").await;
    operator.make_manager("welcome", mia.event("hello-event").await["id"].as_str().unwrap()).await;
    let mut strict = Strict::enter(base, "welcome", "strict").await;
    let mut old = Vec::new();
    for kind in ALL {
        old.push(Driven::enter(kind, base, "welcome", &format!("{kind:?}")).await);
    }

    let (shown, id) = post(&ana, "a picture", corpus::SMALL).await;
    let (damaged, _) = post(&ana, "a picture that is broken", "hostile/trunc/jpg_15.jpg").await;
    let text = ana.send("only words", &[]).await;
    let handle = ana.upload_handle().await;
    ana.send("a picture that comes when its uploader is gone", &[handle.id]).await;
    assert_eq!(Web::default().upload(&handle, corpus::read(corpus::SMALL)).await.status, 201);
    ana.cut();
    mia.media_event(handle.id, "preview-1280").await;

    let edited = edit(&mia, json!({ "id": text["id"], "content": "other words" })).await;
    assert_eq!(edited["content"], "other words");
    let deleted = edit(&mia, json!({ "id": shown["id"], "delete": true })).await;
    assert!(deleted["deleted"].is_i64(), "{deleted}");
    let restore = json!({ "id": shown["id"], "previous_edit_id": deleted["edit_id"], "delete": false });
    assert!(edit(&mia, restore).await["deleted"].is_null());
    operator.delete_message("welcome", damaged["id"].as_str().unwrap()).await;
    strict.client.send("so many pictures", &[]).await;
    strict.client.command("get-message", json!({ "id": shown["id"] })).await;
    strict.client.refused("get-message", json!({ "id": "0000000000001" })).await;
    strict.keep_alive(17).await;

    over(&mia, &mut strict, &old).await;
    assert_eq!(
        strict.log(),
        ["a picture", "other words", "a picture that comes when its uploader is gone", "so many pictures", "over"]
    );
    assert_eq!(strict.others(), ["Doclib", "EuphoriaConnection", "Kareliapy", "mia"]);
    assert_eq!(strict.client.heard.of("edit-message-event").len(), 4);
    assert!(!names(&mia, id).is_empty(), "there were media events, and not for everybody");
    for client in &mut old {
        client.assert_noticed_nothing(1);
    }
}
