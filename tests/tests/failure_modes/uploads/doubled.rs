//! Several uploads by one handle.

use heim_common::media::MediaState;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    sharing::finished,
    standalone::Standalone,
    until::until,
    web::Web,
};

const CLIENTS: usize = 50;

/// A picture that no other client has: what stands behind its end, nobody decodes.
fn body(client: usize) -> Vec<u8> {
    let mut body = corpus::read(corpus::SMALL);
    body.extend(format!("client {client:02}").into_bytes().repeat(1 + client * 100));
    body
}

#[tokio::test]
async fn f24_of_fifty_uploads_by_one_handle_exactly_one_wins() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    let uploads = (0..CLIENTS).map(|client| {
        let handle = handle.clone();
        tokio::spawn(async move { Web::default().upload(&handle, body(client)).await })
    });
    let mut winners = Vec::new();
    for (client, upload) in uploads.collect::<Vec<_>>().into_iter().enumerate() {
        let answer = upload.await.unwrap();
        if answer.status == 201 {
            winners.push(client);
        } else {
            assert_eq!(answer.refusal(), (409, "already-uploaded".into()));
            assert_eq!(answer.json()["id"], handle.id.to_string());
        }
    }
    let [winner] = winners[..] else { panic!("{winners:?} won") };
    let media = finished(&ana, handle.id).await;
    assert_eq!(media.state, MediaState::Ready);
    let web = Web::default();
    let original = web.get(&media.transcodings[&"original".parse().unwrap()].url).await;
    assert!(original.body == body(winner), "what was stored is what the winner sent, and nothing of another");
    until("only the winner is in the store", async || (heim.stored().len() == 5).then_some(())).await;
    let late = web.upload(&handle, body(CLIENTS)).await;
    assert_eq!(late.refusal(), (409, "already-uploaded".into()));
    assert!(web.get(&media.transcodings[&"original".parse().unwrap()].url).await.body == body(winner));
    assert_eq!(heim.stored().len(), 5);
}
