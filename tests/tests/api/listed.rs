//! What the API lists is what the shell lists: by the same functions, with the same
//! names.

use heim_common::media::MediaState;
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    corpus,
    keyed::Keyed,
    operator::Operator,
    sharing::{finished, share_accepted},
    until::until,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The answer of a command, which must be one JSON document.
pub(crate) async fn shell(keyed: &Keyed, words: &[&str]) -> Value {
    let said = keyed.admin(&[words, &["--json"]].concat(), "").await;
    assert!(said.success, "{words:?}: {said:?}");
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{words:?}: {error}: {said:?}"))
}

/// All entries of a list, page by page.
async fn pages(operator: &Operator, path: &str, list: &str, key: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let page = operator.look(&format!("{path}?limit={limit}{next}")).await;
        let entries = page[list].as_array().expect("a list").clone();
        assert!(entries.len() <= limit, "{path}");
        all.extend(entries);
        let Some(end) = Some(&page["next"]).filter(|next| !next.is_null()) else { return all };
        assert!(all.len() < 100, "{path} does not end");
        next = format!("&{key}={}", end.as_str().map_or_else(|| end.to_string(), str::to_owned));
    }
}

#[tokio::test]
async fn lists_are_those_of_the_shell() {
    let keyed = Keyed::start(1, 1).await;
    let operator = keyed.operator(0);
    let ana = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    operator.make_private("hall", "sesame").await;
    let bob = admitted(keyed.base(0), "hall", "sesame", Entrance::aware(), "bob").await;
    for client in [&ana, &ana, &bob] {
        let id = share_accepted(client, corpus::read(corpus::SMALL)).await;
        assert_eq!(finished(client, id).await.state, MediaState::Ready);
    }
    until("all attempts have ended", async || (operator.look("overview").await["jobs"]["done"] == 3).then_some(()))
        .await;
    for (path, words) in [
        ("jobs", &["job", "list"][..]),
        ("jobs?room=hall&state=done&limit=1", &["job", "list", "--room", "hall", "--state", "done", "--limit", "1"]),
        ("usage", &["usage"]),
        ("usage?by=agent", &["usage", "--agent"]),
        ("usage?name=hall", &["usage", "--room", "hall"]),
        ("orphans", &["orphan", "list"]),
        ("audit", &["audit", "list"]),
    ] {
        assert_eq!(operator.look(path).await, shell(&keyed, words).await, "{path}");
    }
    let jobs = operator.look("jobs").await;
    // Of a private picture not even the type is told.
    for (place, private, content_type) in [(0, true, Value::Null), (1, false, json!("image/jpeg"))] {
        let job = jobs["jobs"][place]["id"].as_str().expect("an id");
        let shown = operator.look(&format!("jobs/{job}")).await;
        assert_eq!(shown, shell(&keyed, &["job", "show", job]).await);
        let media = &shown["media"];
        assert_eq!((&media["private"], &media["content_type"]), (&json!(private), &content_type), "{shown}");
    }

    // How much time has passed is never the same twice.
    let without = |mut list: Value, names: &[&str], moving: &[&str]| {
        for entry in list[names[0]].as_array_mut().expect("a list") {
            for key in moving {
                assert!(entry.as_object_mut().expect("an entry").remove(*key).is_some(), "{key}: {entry}");
            }
            for time in ["hour", "day"].into_iter().filter(|_| names[0] == "lanes") {
                entry[time].as_object_mut().map(|figures| figures.remove("from"));
            }
        }
        list
    };
    let moving = ["heard", "silent_ms", "cpu_percent", "child_memory_bytes"];
    let workers = [operator.look("workers").await, shell(&keyed, &["worker", "list"]).await];
    let [ours, theirs] = workers.map(|list| without(list, &["workers"], &moving));
    assert_eq!(ours, theirs);
    let lanes = [operator.look("lanes").await, shell(&keyed, &["lane", "list"]).await];
    let [ours, theirs] = lanes.map(|list| without(list, &["lanes"], &[]));
    assert_eq!(ours, theirs);

    let overview = operator.look("overview").await;
    assert_eq!((&overview["jobs"]["done"], &overview["workers"]), (&json!(3), &json!(1)), "{overview}");
    assert_eq!((&overview["orphans"], &overview["missing"]), (&json!(0), &json!(0)));
    assert_eq!(overview["lanes"].as_array().expect("lanes").len(), 3);
}

#[tokio::test]
async fn a_list_is_whole_page_by_page() {
    let keyed = Keyed::start(1, 0).await;
    let operator = keyed.operator(0);
    let names: Vec<_> = (0..5).map(|number| format!("room{number}")).collect();
    for name in &names {
        operator.make_private(name, "sesame").await;
    }
    operator.delete_room("room2").await;
    let rooms = pages(&operator, "rooms", "rooms", "after", 2).await;
    let found: Vec<_> = rooms.iter().map(|room| room["name"].as_str().expect("a name")).collect();
    assert_eq!(found, ["room0", "room1", "room3", "room4"]);

    let ana = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    for _ in 0..5 {
        share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    }
    for (path, list, key, name) in [("jobs", "jobs", "before", "id"), ("audit", "audit", "before", "seq")] {
        let by_two = pages(&operator, path, list, key, 2).await;
        assert_eq!(Value::from(by_two.clone()), operator.look(path).await[list], "{path}");
        let distinct: BTreeSet<_> = by_two.iter().map(|entry| entry[name].to_string()).collect();
        assert!(by_two.len() >= 5 && distinct.len() == by_two.len(), "{path}: {by_two:?}");
    }
    // No worker is to be waited for.
    assert_eq!(operator.call(Method::POST, "jobs/discard?all=true").await.json()["count"], 5);
}
