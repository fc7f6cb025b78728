//! Secrets that are changed on a running fleet, as the page of operators says it: who is
//! refused, what waits, and what goes on.

use heim_common::{media::MediaState, wire::UploadHandle};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    dashboard::{Dashboard, address},
    fleet::Fleet,
    keyed::TOKEN,
    operator::Operator,
    raw::authority,
    sharing::{finished, share_accepted},
    truth,
    until::until,
    web::Web,
};
use reqwest::Method;

const ONE: &str = "one-secret-of-openssl-rand-hex-32";
const ANOTHER: &str = "another-secret-of-openssl-rand";
const VIEW: &str = "the token of those who only look";

/// Starts a coordinator anew where it was, with these keys of its configuration changed.
async fn change(fleet: &mut Fleet, place: usize, settings: &[(&str, &str)]) {
    let address = authority(fleet.base(place)).to_owned();
    fleet.coordinators[place].terminate();
    fleet.coordinators[place].ended().await;
    fleet.coordinators[place] = fleet.serving(&address).settings(settings).start().await;
}

/// The agent that a session is.
async fn agent(client: &Client) -> String {
    client.event("hello-event").await["session"]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn with_another_token_whoever_has_the_old_one_is_refused_and_logs_in_again() {
    let settings = [("admin.token", TOKEN), ("ops.view_token", VIEW), ("ops.listen", "127.0.0.1:0")];
    let mut fleet = Fleet::with(1, 0, &settings).await;
    let base = address(&fleet.coordinators[0]).await;
    let (steers, looks) = (Dashboard::login(&base, TOKEN).await, Dashboard::login(&base, VIEW).await);
    let status =
        async |fleet: &Fleet, token| Operator::new(fleet.base(0), token).call(Method::GET, "overview").await.status;
    assert_eq!((status(&fleet, TOKEN).await, status(&fleet, ANOTHER).await), (200, 403));

    for (key, is_steering) in [("ops.view_token", false), ("admin.token", true)] {
        change(&mut fleet, 0, &[(key, ANOTHER)]).await;
        // The browser goes to the same address as before; here it is another port.
        let base = address(&fleet.coordinators[0]).await;
        for (who, ended) in [(&steers, is_steering), (&looks, !is_steering)] {
            let page = who.moved_to(&base).get("/ops/jobs").await;
            let expected = if ended { (303, "/ops/login") } else { (200, "") };
            assert_eq!((page.status, page.header("location")), expected, "{key}");
        }
        Dashboard::login(&base, ANOTHER).await;
        let old = if is_steering { TOKEN } else { VIEW };
        let refused = Dashboard::stranger(&base).send("/ops/login", &[("token", old)]).await;
        assert_ne!(refused.header("location"), "/ops/", "{key}: {refused:?}");
    }
    assert_eq!((status(&fleet, TOKEN).await, status(&fleet, ANOTHER).await), (403, 200));
}

#[tokio::test]
async fn with_another_signing_secret_links_handles_and_cookies_of_before_are_refused() {
    let mut fleet = Fleet::with(2, 1, &[("admin.token", TOKEN)]).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let ben = Client::enter(fleet.base(1), "welcome", Entrance::aware(), "ben").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let original = "original".parse().expect("a name");
    let link = finished(&ana, id).await.transcodings[&original].url.clone();
    let (begun, cookie, before) = (ana.upload_handle().await, ana.cookie(), agent(&ana).await);
    let web = Web::default();
    assert_eq!(web.get(&link).await.status, 200);

    change(&mut fleet, 0, &[("signing.secret", ANOTHER)]).await;
    let bad = (403, "bad-signature".to_owned());
    assert_eq!(web.get(&link).await.refusal(), bad);
    assert_eq!(web.upload(&begun, corpus::read(corpus::SMALL)).await.refusal(), bad);
    // Whoever comes back is somebody else, and sees the picture.
    let entrance = || Entrance { cookie: Some(cookie.clone()), ..Entrance::aware() };
    let ana = Client::enter(fleet.base(0), "welcome", entrance(), "ana").await;
    assert_ne!(agent(&ana).await, before);
    let link = ana.media(id).await.transcodings[&original].url.clone();
    assert_eq!(web.get(&link).await.status, 200);
    // As long as the other coordinator has the old one, they do not believe one another.
    let theirs = ben.media(id).await.transcodings[&original].url.clone();
    let there = |link: &str, from: usize, to: usize| link.replace(fleet.base(from), fleet.base(to));
    for crossed in [there(&link, 0, 1), there(&theirs, 1, 0)] {
        assert_eq!(web.get(&crossed).await.refusal(), bad, "{crossed}");
    }
    assert_eq!(web.get(&theirs).await.status, 200);
    let crossed = there(&link, 0, 1);
    change(&mut fleet, 1, &[("signing.secret", ANOTHER)]).await;
    assert_eq!(web.get(&crossed).await.status, 200);
    let next = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    assert_eq!(finished(&ana, next).await.state, MediaState::Ready);
}

#[tokio::test]
async fn a_signing_secret_that_takes_over_in_turn_is_noticed_by_nobody() {
    let mut fleet = Fleet::with(2, 1, &[("signing.secret", ONE)]).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    let original = "original".parse().expect("a name");
    let mut links = vec![finished(&ana, id).await.transcodings[&original].url.clone()];
    let (mut begun, mut cookie, before) = (ana.upload_handle().await, ana.cookie(), agent(&ana).await);
    let there = |link: &str, fleet: &Fleet, to: usize| link.replace(fleet.base(0), fleet.base(to));
    for (place, secret, accepted) in [(0, ONE, ANOTHER), (1, ONE, ANOTHER), (0, ANOTHER, ONE), (1, ANOTHER, ONE)] {
        change(&mut fleet, place, &[("signing.secret", secret), ("signing.accepted", accepted)]).await;
        let entrance = Entrance { cookie: Some(cookie), ..Entrance::aware() };
        let ana = Client::enter(fleet.base(place), "welcome", entrance, "ana").await;
        assert_eq!(agent(&ana).await, before);
        links.push(there(&ana.media(id).await.transcodings[&original].url, &fleet, 0));
        for (link, to) in links.iter().flat_map(|link| [(link, 0), (link, 1)]) {
            let link = there(link, &fleet, to);
            assert_eq!(Web::default().get(&link).await.status, 200, "{link}");
        }
        let other = UploadHandle { url: there(&begun.url, &fleet, 1 - place), ..begun };
        assert_eq!(Web::default().upload(&other, corpus::read(corpus::SMALL)).await.status, 201);
        (begun, cookie) = (ana.upload_handle().await, ana.cookie());
        begun.url = begun.url.replace(fleet.base(place), fleet.base(0));
    }
    change(&mut fleet, 0, &[("signing.secret", ANOTHER)]).await;
    let entrance = Entrance { cookie: Some(cookie), ..Entrance::aware() };
    let ana = Client::enter(fleet.base(0), "welcome", entrance, "ana").await;
    assert_eq!(agent(&ana).await, before, "its cookie was renewed");
    assert_eq!(Web::default().get(&links[0]).await.refusal(), (403, "bad-signature".to_owned()), "it was not");
}

#[tokio::test]
async fn with_another_hooks_secret_uploads_are_taken_and_jobs_wait_until_workers_have_it() {
    let mut fleet = Fleet::start(1, 1).await;
    change(&mut fleet, 0, &[("hooks.secret", ANOTHER)]).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    until("the worker says that it is refused", async || {
        fleet.workers[0].log().contains("403 Forbidden").then_some(())
    })
    .await;
    assert!(fleet.workers[0].is_alive());
    assert_eq!(ana.media(id).await.state, MediaState::Uploaded);
    let rows = truth::rows(&fleet.database().await).await;
    assert!(rows.lines().any(|row| row.starts_with("job ") && row.contains(" pending ")), "it waits: {rows}");

    fleet.workers[0].terminate();
    fleet.workers[0].ended().await;
    fleet.workers[0] = fleet.worker(0).setting("hooks.secret", ANOTHER).start().await;
    assert_eq!(finished(&ana, id).await.state, MediaState::Ready);
    let rows = truth::rows(&fleet.database().await).await;
    assert!(rows.contains(" failures 0"), "it cost no attempt: {rows}");
}
