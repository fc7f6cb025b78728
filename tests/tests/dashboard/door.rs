//! Nobody sees or does anything without a session, and no other site does it with one.

use crate::{TOKEN, start, start_with};
use heim_db::JobFilter;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    dashboard::Dashboard,
    process::Launch,
    sharing::{finished, share_accepted},
    web::Web,
};
use std::time::{Duration, Instant};

const PAGES: [&str; 8] = [
    "/ops/",
    "/ops/history",
    "/ops/jobs",
    "/ops/jobs/0000000000000",
    "/ops/usage",
    "/ops/orphans",
    "/ops/audit",
    "/ops/nothing",
];
const POSTS: [&str; 5] = ["/ops/lanes", "/ops/workers", "/ops/jobs", "/ops/orphans", "/ops/logout"];
const PAUSE: [(&str, &str); 2] = [("lane", "bulk"), ("wish", "paused")];

/// Everything is refused, and nothing of it shows.
async fn assert_shut(who: &Dashboard, why: &str) {
    for page in PAGES {
        let answer = who.get(page).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/ops/login"), "{why}: {page}");
        assert_eq!(answer.body, b"", "{why}: {page}");
    }
    assert_eq!(who.get("/ops/events").await.status, 403, "{why}");
    for post in POSTS {
        assert_eq!(who.send(post, &PAUSE).await.status, 403, "{why}: {post}");
    }
}

#[tokio::test]
async fn without_a_session_everything_is_shut() {
    let (heim, known) = start().await;
    let stranger = Dashboard::stranger(&known.base);
    assert_shut(&stranger, "no cookie").await;
    let (value, signature) = known.cookie.rsplit_once('.').expect("a signed cookie");
    let (id, until) = value.rsplit_once('.').expect("an id and an end");
    let longer = format!("{id}.{}.{signature}", until.parse::<i64>().expect("a time") + 1);
    let another = format!("{value}.{}{}", if signature.starts_with('A') { "B" } else { "A" }, &signature[1..]);
    let shorter = format!("{value}.{}", &signature[..signature.len() - 4]);
    for forged in
        [longer, another, shorter, format!("{value}."), value.to_owned(), "ops=".to_owned(), "ops=..".to_owned()]
    {
        assert_shut(&known.with_cookie(&forged), &forged).await;
    }
    let agents = format!("a={}", known.cookie.split_once('=').expect("a cookie").1);
    assert_shut(&known.with_cookie(&agents), "the cookie of an agent").await;
    assert!(heim.database().await.lanes_paused().await.unwrap().is_empty());
    let page = known.get("/ops/").await;
    assert_eq!((page.status, page.header("cache-control")), (200, "no-store"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for asset in ["/ops/static/palette.css", "/ops/static/ops.css", "/ops/static/ops.js", "/ops/static/thumbhash.js"] {
        assert_eq!(stranger.get(asset).await.status, 200, "the login looks as the rest does");
    }
}

#[tokio::test]
async fn a_login_takes_the_token_and_wrong_ones_take_their_time() {
    let (_heim, known) = start().await;
    let stranger = Dashboard::stranger(&known.base);
    let began = Instant::now();
    let wrong = ["", "the token of the operatoR", "x"]
        .map(async |token| stranger.send("/ops/login", &[("token", token)]).await);
    let [first, second, third] = wrong;
    let (first, second, third) = tokio::join!(first, second, third);
    for answer in [first, second, third] {
        assert_eq!((answer.status, answer.header("set-cookie")), (403, ""));
    }
    assert!(began.elapsed() >= Duration::from_millis(1_500), "one after the other: {:?}", began.elapsed());

    let answer = stranger.send("/ops/login", &[("token", TOKEN)]).await;
    let cookie = answer.header("set-cookie");
    for attribute in ["; Path=/ops;", "; HttpOnly", "; SameSite=Strict", "; Max-Age=28800"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    for origin in ["http://evil.example", "null", ""] {
        let other = stranger.with_origin(origin);
        let answer = other.send("/ops/login", &[("token", TOKEN)]).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (403, ""), "{origin}");
    }
    let out = known.post("/ops/logout", &[]).await;
    assert_eq!((out.status, out.header("location")), (303, "/ops/login"));
    assert!(out.header("set-cookie").starts_with("ops=; ") && out.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn who_may_only_look_is_shown_everything_and_does_nothing() {
    const VIEW: &str = "the token of whoever looks";
    let (heim, steers) = start_with(&[("ops.view_token", VIEW)]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    finished(&ana, id).await;
    let db = heim.database().await;
    let job = db.jobs_page(&JobFilter::default(), None, 1).await.unwrap().remove(0).id;
    let looks = Dashboard::login(&steers.base, VIEW).await;
    for page in
        ["/ops/", "/ops/history", "/ops/jobs", &format!("/ops/jobs/{job}"), "/ops/usage", "/ops/orphans", "/ops/audit"]
    {
        let (seen, done) = (looks.page(page).await, steers.page(page).await);
        assert_eq!(seen.matches("<form").count(), 1 + seen.matches("role=\"search\"").count(), "{page}: {seen}");
        assert!(seen.contains("looks only") && !done.contains("looks only"), "{page}");
        assert!(!seen.contains("type=\"checkbox\"") && !seen.contains("<button type"), "{page}: {seen}");
    }
    assert!(steers.page("/ops/").await.contains("Pause all lanes"));
    for post in POSTS.into_iter().filter(|post| *post != "/ops/logout") {
        let fields =
            [PAUSE[0], PAUSE[1], ("worker", "all"), ("job", &job.to_string()), ("what", "retry"), ("all", "yes")];
        let answer = looks.post(post, &fields).await;
        assert_eq!(answer.status, 403, "{post}");
        assert!(String::from_utf8_lossy(&answer.body).contains("may look"), "{post}: {answer:?}");
    }
    assert!(db.lanes_paused().await.unwrap().is_empty() && db.audits(None, 10).await.unwrap().is_empty());
    // Nor with what the other session's forms carry.
    let token = steers.form_token().await;
    assert_eq!(looks.send("/ops/lanes", &[("form", token.as_str()), PAUSE[0], PAUSE[1]]).await.status, 403);
    assert_eq!(looks.post("/ops/logout", &[]).await.status, 303);
}

#[tokio::test]
async fn other_sites_do_nothing_with_a_session() {
    let (heim, known) = start().await;
    let db = heim.database().await;
    let token = known.form_token().await;
    let signed = [("form", token.as_str()), PAUSE[0], PAUSE[1]];
    assert_eq!(known.send("/ops/lanes", &PAUSE).await.status, 403, "no token");
    for forged in ["", "x", &token[1..], &known.cookie] {
        let fields = [("form", forged), PAUSE[0], PAUSE[1]];
        assert_eq!(known.send("/ops/lanes", &fields).await.status, 403, "{forged}");
    }
    let second = Dashboard::login(&known.base, TOKEN).await;
    assert_eq!(second.send("/ops/lanes", &signed).await.status, 403, "the token of another session");
    for origin in ["http://evil.example", "http://127.0.0.1", "null", "", heim.base()] {
        let other = known.with_origin(origin);
        assert_eq!(other.send("/ops/lanes", &signed).await.status, 403, "{origin}");
    }
    assert!(db.lanes_paused().await.unwrap().is_empty());
    let audit = db.audits(None, 10).await.unwrap();
    assert!(audit.is_empty(), "{audit:?}");
    let done = known.send("/ops/lanes", &signed).await;
    assert_eq!((done.status, done.header("location")), (303, "/ops/?said=lanes-paused&n=1"));
    assert_eq!(db.lanes_paused().await.unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_of_it_is_on_the_public_listener_and_nothing_else_is_on_its_own() {
    let (heim, known) = start().await;
    for path in PAGES.into_iter().chain(["/ops", "/ops/login", "/ops/events", "/ops/static/ops.js"]) {
        assert_eq!(Web::default().get(&format!("{}{path}", heim.base())).await.status, 404, "{path}");
    }
    for path in ["/metrics", "/readyz", "/room/welcome/", "/static/main.js", "/api/v1/rooms/welcome"] {
        assert_eq!(known.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_address_that_others_reach_must_be_said_to_be_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let launch = Launch::new("heim-media", folder.path())
        .arguments(&["--listen", "127.0.0.1:0", "--data-dir", data.to_str().expect("a plain name")])
        .setting("ops.listen", "0.0.0.0:0");
    let ended = launch.run().await;
    assert!(!ended.status.success() && ended.log.contains("ops.allow_remote"), "{ended:?}");
}
