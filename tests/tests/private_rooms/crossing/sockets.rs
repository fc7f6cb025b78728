//! What an agent asks for through its own session, with the ids of another room,
//! and before the door of that room.

use super::world::{MANAGER, Room, World};
use heim_tests::client::{Client, Entrance};
use serde_json::{Value, json};

const ACCESS_DENIED: &str = "access denied";

/// Every command that takes an id, with those of another room.
pub(super) async fn attack(own: &Room, agent: usize, other: &Room) {
    let client = &own.members[agent];
    let ask = async |command: &str, data: Value, expected: &str| {
        assert_eq!(client.refused(command, data.clone()).await, expected, "{command} {data}");
    };
    let (said, unsaid) = (&other.said["id"], &other.unsaid["id"]);
    for id in [said, unsaid] {
        ask("get-message", json!({ "id": id }), "message not found").await;
    }
    ask("send", json!({ "content": "a reply", "parent": said }), "invalid parent ID").await;
    for media in [other.shown.id, other.hidden.id, other.deleted.id, other.pending.id] {
        ask("get-media", json!({ "id": media }), "media not found").await;
        ask("send", json!({ "content": "", "attachments": [media] }), "media not found").await;
    }
    let expected = if agent == MANAGER { "message not found" } else { ACCESS_DENIED };
    for delete in [false, true] {
        let edit = json!({ "id": said, "content": "edited", "delete": delete, "announce": true });
        ask("edit-message", edit, expected).await;
    }
    let member = other.members[0].event("hello-event").await["id"].take();
    ask("pm-initiate", json!({ "user_id": member }), ACCESS_DENIED).await;
    for command in ["ban", "unban", "grant-access", "revoke-access", "grant-manager", "revoke-manager"] {
        ask(command, json!({ "id": member, "account_id": member, "seconds": 0 }), ACCESS_DENIED).await;
    }
    for command in ["staff-inspect-ip", "staff-create-room", "staff-lock-room", "unlock-staff-capability"] {
        ask(command, json!({ "name": other.name, "ip": "127.0.0.1", "password": "" }), ACCESS_DENIED).await;
    }
    // What is answered: with what is of this room, and nothing else.
    for data in [json!({ "n": 1000 }), json!({ "n": 1000, "before": said }), json!({ "n": 1000, "before": unsaid })] {
        let log = client.command("log", data).await;
        for message in log["log"].as_array().expect("a log") {
            assert!(message["content"].as_str().is_some_and(|content| content.contains(&own.marker)), "{message}");
        }
    }
    let listing = client.command("who", json!({})).await;
    assert_eq!(listing["listing"].as_array().map(Vec::len), Some(own.members.len()));
}

/// Before the door of a private room, with the cookie of somebody who is at home
/// in another one.
pub(super) async fn knock(world: &World, own: usize, agent: usize, other: &Room) {
    let room = &world.rooms[own];
    let cookie = room.members[agent].cookie();
    let entrance = Entrance { cookie: Some(cookie), ..Entrance::aware() };
    let door = Client::connect(world.fleet.base(agent % 2), &other.name, entrance).await.expect("everybody may knock");
    door.event("bounce-event").await;
    let (said, media) = (&other.said["id"], other.shown.id);
    for (command, data) in [
        ("who", json!({})),
        ("log", json!({ "n": 1000 })),
        ("get-message", json!({ "id": said })),
        ("nick", json!({ "name": "an intruder" })),
        ("send", json!({ "content": "let me in" })),
        ("edit-message", json!({ "id": said, "delete": true })),
        ("media-upload", json!({})),
        ("get-media", json!({ "id": media })),
        ("pm-initiate", json!({ "user_id": "" })),
        ("ban", json!({})),
        ("grant-access", json!({})),
    ] {
        assert_eq!(door.refused(command, data).await, "access denied, please authenticate", "{command}");
    }
    let wrong = room.passcode.as_deref().unwrap_or("open, sesame");
    let answer = door.command("auth", json!({ "type": "passcode", "passcode": wrong })).await;
    assert_eq!(answer, json!({ "success": false, "reason": "passcode incorrect" }));
    assert_eq!(door.heard.of("snapshot-event"), Vec::<Value>::new());
    world.assert_heard_own(own, &door);
}
