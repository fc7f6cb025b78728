//! A private room, and what is done in it again and again.

use heim_common::MediaId;
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    keyed::Keyed,
    operator::Operator,
    packets::{Ending, Heard},
    sharing::{finished, share_accepted},
    until::until,
};
use serde_json::{Value, json};

/// The room.
pub(crate) const VAULT: &str = "vault";
/// Its passcode.
pub(crate) const PASSCODE: &str = "sesame, if you please";
/// The close code of a session that has to go.
const POLICY: u16 = 1008;

/// Sweeps come often.
pub(crate) const SWEPT: (&str, &str) = ("retention.sweep_ms", "100");

/// A fleet with the private room.
pub(crate) async fn vault(coordinators: usize, workers: usize) -> Keyed {
    vault_with(coordinators, workers, &[]).await
}

/// The same, with some keys of the configuration set.
pub(crate) async fn vault_with(coordinators: usize, workers: usize, settings: &[(&str, &str)]) -> Keyed {
    let keyed = Keyed::with(coordinators, workers, settings).await;
    keyed.operator(0).make_private(VAULT, PASSCODE).await;
    keyed
}

/// Makes a private room as soon as what was deleted under its name is removed.
pub(crate) async fn make_when_free(operator: &Operator, room: &str, passcode: &str) {
    until("the name is free", async || {
        let made = operator.put_private(room, passcode).await;
        assert!(made == 201 || made == 409, "{made}");
        (made == 201).then_some(())
    })
    .await;
}

/// Enters the private room at one of the coordinators.
pub(crate) async fn enter(keyed: &Keyed, coordinator: usize, nick: &str) -> Client {
    admitted(keyed.base(coordinator), VAULT, PASSCODE, Entrance::aware(), nick).await
}

/// Comes back as the agent of a session.
pub(crate) fn again(client: &Client) -> Entrance {
    Entrance { cookie: Some(client.cookie()), ..Entrance::aware() }
}

/// Waits until a session is told why it has to go, and has to.
pub(crate) async fn is_sent_away(client: &Client, reason: &str) {
    assert_eq!(client.event("disconnect-event").await, json!({ "reason": reason }));
    assert_eq!(client.heard.ending().await, Ending::Closed(Some(POLICY)));
}

/// The agent of a session.
pub(crate) async fn agent(client: &Client) -> String {
    client.event("hello-event").await["id"].as_str().expect("an id").to_owned()
}

/// Shares a small picture that workers finish.
pub(crate) async fn share_finished(client: &Client, seed: u8) -> MediaId {
    let id = share_accepted(client, picture(seed)).await;
    finished(client, id).await;
    id
}

/// Deletes or restores a message as its room's manager; returns the change.
pub(crate) async fn turn(manager: &Client, message: &str, previous: Option<&str>, delete: bool) -> String {
    let data = json!({ "id": message, "previous_edit_id": previous, "delete": delete, "announce": true });
    let edited = manager.command("edit-message", data).await;
    edited["edit_id"].as_str().expect("an id").to_owned()
}

/// The message by which a media object was shown to a session first.
pub(crate) async fn shown(client: &Client, id: MediaId) -> Value {
    let shows = |data: &Value| {
        data["attachments"].as_array().is_some_and(|all| all.iter().any(|media| media["id"] == id.to_string()))
    };
    let find = |heard: &[Heard]| heard.iter().map(Heard::data).find(|data| shows(data)).cloned();
    client.heard.wait_for("a message that shows it", find).await
}

/// A picture of 8 × 8 pixels (BMP, 24 bits, bottom up); another one for each
/// seed.
pub(crate) fn picture(seed: u8) -> Vec<u8> {
    const SIDE: u32 = 8;
    const HEADER: u32 = 54;
    let pixels = SIDE * SIDE * 3;
    let mut bytes = b"BM".to_vec();
    for word in [HEADER + pixels, 0, HEADER, 40, SIDE, SIDE, 1 | 24 << 16, 0, pixels, 2835, 2835, 0, 0] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend((0..=u8::MAX).cycle().skip(usize::from(seed)).take(pixels as usize));
    bytes
}
