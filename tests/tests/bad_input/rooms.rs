//! Rooms that cannot be, and addresses at which there is nothing.

use crate::aftermath::{Scene, still_serves};
use heim_tests::{
    client::{Client, Entrance},
    raw::{Raw, authority, head},
    standalone::{HOOKS, Standalone},
    web::{Web, answer},
};
use reqwest::Method;

#[tokio::test]
async fn a_room_of_unknown_characters() {
    let scene = Scene::new().await;
    let web = Web::default();
    for room in ["Welcome", "wel-come", "wel_come", "pm:1", "%C3%A4", "..%2f", "a%00b", &"a".repeat(65)] {
        let page = web.get(&format!("{}/room/{room}/", scene.heim.base())).await;
        assert_eq!(page.refusal(), (404, "room-not-found".into()), "{room}");
        let Err(refused) = Client::connect(scene.heim.base(), room, Entrance::default()).await else {
            panic!("{room} was entered")
        };
        assert_eq!((refused.status, refused.code.as_str()), (404, "room-not-found"), "{room}");
        let hook = web.request(Method::POST, &format!("{}/room/{room}/media", scene.heim.base()));
        let hook = hook.basic_auth(HOOKS.0, Some(HOOKS.1)).header("content-type", "application/json");
        let body = r#"{"media_id":"0zzzzzzzzzzzz","name":"thumb-320","content_type":"image/webp","size":1}"#;
        assert_eq!(answer(hook.body(body)).await.refusal(), (404, "media-not-found".into()), "{room}");
    }
    scene.left_all_as_before().await;
}

#[tokio::test]
async fn the_longest_name_of_a_room() {
    let heim = Standalone::start().await;
    let room = "a".repeat(64);
    Client::join(heim.base(), &room, Entrance::default()).await;
    assert_eq!(Web::default().get(&format!("{}/room/{room}/", heim.base())).await.status, 200);
}

#[tokio::test]
async fn a_request_to_the_socket_that_is_no_handshake() {
    let heim = Standalone::start().await;
    let refused = Web::default().get(&format!("{}/room/welcome/ws", heim.base())).await;
    assert!((400..500).contains(&refused.status), "{refused:?}");
    assert_eq!(refused.code(), "upgrade-required");
    still_serves(heim).await;
}

#[tokio::test]
async fn addresses_at_which_there_is_nothing() {
    let heim = Standalone::start().await;
    let web = Web::default();
    for path in
        ["/nothing", "/media", "/media/", "/store/jobs", "/static/nothing.js", "/static/..%2fCargo.toml", "/room/"]
    {
        let refused = web.get(&format!("{}{path}", heim.base())).await;
        assert_eq!((refused.status, refused.code().ends_with("not-found")), (404, true), "{path}");
        assert_eq!(refused.header("x-content-type-options"), "nosniff");
    }
    still_serves(heim).await;
}

#[tokio::test]
async fn requests_that_are_not_http() {
    let heim = Standalone::start().await;
    let long = "x".repeat(1 << 20);
    let host = authority(heim.base()).to_owned();
    for bad in [
        "hello\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}".to_owned() + &"\0".repeat(300),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        head("GET", &format!("/{long}"), &[("Host", &host)]),
        head("GET", "/", &[("Host", &host), ("X-Long", &long)]),
        head("GET", "/", &[("Host", &host), ("X\0Y", "z")]),
    ] {
        let mut raw = Raw::connect(heim.base()).await;
        raw.write(&bad).await;
        raw.finish().await;
        let said = String::from_utf8_lossy(&raw.closed().await).into_owned();
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{bad:.60}: {said}");
    }
    still_serves(heim).await;
}
