//! Of private pictures the dashboard has nothing that shows them.

use crate::{TOKEN, start};
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    corpus,
    job::job,
    operator::Operator,
    sharing::{finished, share_accepted},
    truth,
};

#[tokio::test]
async fn a_private_picture_has_no_placeholder_and_a_public_one_has() {
    let (heim, dashboard) = start().await;
    let db = heim.database().await;
    Operator::new(heim.base(), TOKEN).make_private("vault", "sesame").await;
    let ana = admitted(heim.base(), "vault", "sesame", Entrance::aware(), "ana").await;
    let ben = Client::enter(heim.base(), "welcome", Entrance::aware(), "ben").await;
    let mut pages = Vec::new();
    for client in [&ana, &ben] {
        let id = share_accepted(client, corpus::read(corpus::SMALL)).await;
        finished(client, id).await;
        truth::settled(&db).await;
        pages.push(dashboard.page(&format!("/ops/jobs/{}", job(&db, id).await.id)).await);
    }
    let [private, public] = pages.as_slice() else { panic!("two pages") };
    for shows in ["data-thumbhash=", "fill=\"#", "image/jpeg", "1800 × 1200"] {
        assert!(public.contains(shows), "{shows}: {public}");
        assert!(!private.contains(shows), "{shows}: {private}");
    }
    assert!(private.contains("private: nothing of it is shown"), "{private}");
    let all =
        [dashboard.page("/ops/").await, dashboard.page("/ops/jobs").await, dashboard.page("/ops/usage").await].concat();
    for secret in ["sesame", "look", "Landscape"] {
        assert!(!all.contains(secret) && !private.contains(secret), "{secret}");
    }
}
