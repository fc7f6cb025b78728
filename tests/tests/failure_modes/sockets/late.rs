//! What is said, changed and shown while Redis is away is late, and not lost.

use heim_common::UserId;
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    load::bmp,
    operator::Operator,
    packets::Heard,
    sharing::{all_heard, share_accepted},
};
use serde_json::{Value, json};

const TOKEN: &str = "a token of the administrator";

async fn edit(client: &Client, message: &Value, change: Value) {
    let mut command = json!({ "id": message["id"], "previous_edit_id": "", "announce": true });
    for (field, value) in change.as_object().expect("a change has fields") {
        command[field] = value.clone();
    }
    client.command("edit-message", command).await;
}

fn changes(heard: &[Heard], message: &Value) -> Vec<Value> {
    let edits = heard.iter().filter(|heard| heard.kind() == "edit-message-event");
    edits.filter(|heard| heard.data()["id"] == message["id"]).map(|heard| heard.data().clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f72_what_pub_sub_lost_is_told_late_and_once() {
    let mut fleet = Fleet::with(2, 0, &[("admin.token", TOKEN)]).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let ben = Client::enter(fleet.base(1), "welcome", Entrance::aware(), "ben").await;
    all_heard(&ana, &ben).await;
    let id: UserId = serde_json::from_value(ana.event("hello-event").await["id"].clone()).unwrap();
    Operator::new(fleet.base(0), TOKEN).make_manager("welcome", id.as_str()).await;
    let (changed, deleted) = (ana.send("frist", &[]).await, ana.send("oops", &[]).await);
    let (kept_quiet, restored) = (ana.send("hm", &[]).await, ana.send("back", &[]).await);
    ben.heard
        .wait_for("all of it", |heard| (heard.iter().filter(|h| h.kind() == "send-event").count() == 4).then_some(()))
        .await;

    fleet.redis.kill9();
    edit(&ana, &changed, json!({ "content": "first" })).await;
    edit(&ana, &deleted, json!({ "delete": true })).await;
    edit(&ana, &kept_quiet, json!({ "content": "hmm", "announce": false })).await;
    edit(&ana, &restored, json!({ "delete": true })).await;
    let picture = share_accepted(&ana, bmp(1)).await;
    let told = |message: &Value| {
        let message = message.clone();
        ben.heard.wait_for("a change", move |heard| changes(heard, &message).pop())
    };
    assert_eq!(told(&changed).await["content"], "first");
    assert!(told(&deleted).await["deleted"].is_number());
    assert!(told(&restored).await["deleted"].is_number());
    let shows = |heard: &[Heard]| {
        let mut sent = heard.iter().filter(|heard| heard.kind() == "send-event");
        sent.any(|heard| heard.data()["attachments"][0]["id"] == picture.to_string()).then_some(())
    };
    ben.heard.wait_for("the picture's message", shows).await;

    fleet.redis.restart();
    // What waited to be published may come once more by pub/sub; then this.
    ana.send("so far", &[]).await;
    let said = |heard: &[Heard]| heard.iter().any(|heard| heard.data()["content"] == "so far").then_some(());
    ben.heard.wait_for("what was said since", said).await;
    let heard = ben.heard.all();
    for message in [&changed, &deleted, &restored] {
        assert_eq!(changes(&heard, message).len(), 1, "once");
    }
    assert!(changes(&heard, &kept_quiet).is_empty(), "nobody was to be told");
    assert!(changes(&ana.heard.all(), &changed).is_empty(), "who did it has a reply");
    let told = |client: &Client| client.heard.media_events(picture).len();
    assert!(told(&ana) == 1 && told(&ben) <= 1, "once, or in the message");
    // There is no worker, and the end of the fleet looks for jobs that were left.
    heim_tests::sql::sql(fleet.database_url(), "UPDATE job SET state = 'done'").await;
}
