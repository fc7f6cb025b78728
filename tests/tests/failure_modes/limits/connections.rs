//! How many connections there may be, and how long one may say nothing.

use heim_tests::{
    client::{Client, Entrance},
    elsewhere,
    raw::{Raw, head, upload_head},
    standalone::Standalone,
    until::until,
    web::Answer,
};
use std::time::{Duration, Instant};

/// An upload that is asked to go on, and does not; or what it is told instead.
async fn busy(heim: &Standalone, ana: &Client) -> Result<Raw, Answer> {
    let handle = ana.upload_handle().await;
    let mut raw = Raw::connect(heim.base()).await;
    raw.write(upload_head(&handle, &[("Expect", "100-continue"), ("Content-Length", "1000")])).await;
    let answer = raw.answer().await.expect("an answer");
    if answer.status == 100 { Ok(raw) } else { Err(answer) }
}

#[tokio::test]
async fn connections_max_at_and_past_its_edge() {
    let heim = Standalone::with(&[("limits.connections_max", "12")]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let mut all = Vec::new();
    // Her socket is one of them. Whatever is silent makes room.
    for _ in 0..11 {
        all.push(busy(&heim, &ana).await.expect("so many there may be"));
    }
    let refused = busy(&heim, &ana).await.expect_err("one too many");
    assert_eq!((refused.refusal(), refused.header("retry-after")), ((503, "unavailable".into()), "1"));
    all.pop();
    all.push(until("the place is given back", async || busy(&heim, &ana).await.ok()).await);
}

#[tokio::test]
async fn connections_per_ip_at_and_past_its_edge() {
    let heim = Standalone::with(&[("limits.connections_per_ip", "8")]).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(elsewhere::connect(heim.base(), 1, None).await);
    }
    let ask = async |machine| {
        let mut raw = Raw::over(elsewhere::connect(heim.base(), machine, None).await);
        raw.write(head("GET", "/healthz", &[("Host", "x"), ("Connection", "close")])).await;
        raw.answer().await
    };
    let refused = ask(1).await.expect("it is told why");
    assert_eq!((refused.refusal(), refused.header("retry-after")), ((429, "too-many-connections".into()), "1"));
    assert_eq!(ask(2).await.map(|answer| answer.status), Some(200), "another address");
    silent.pop();
    let again = until("the seat is given back", async || ask(1).await.filter(|answer| answer.status != 429)).await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_counted_one_by_one() {
    let settings = [("limits.connections_per_ip", "2"), ("coordinator.trusted_proxies", "127.1.0.0/16, 10.0.0.1")];
    let heim = Standalone::with(&settings).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    // The proxy's own connections are many; requests that are under way count.
    let through = async |client: &str| {
        let handle = ana.upload_handle().await;
        let mut raw = Raw::over(elsewhere::connect(heim.base(), 1, None).await);
        let forwarded = format!("9.9.9.9, {client}, 10.0.0.1");
        let headers = [("X-Forwarded-For", forwarded.as_str()), ("Expect", "100-continue"), ("Content-Length", "1000")];
        raw.write(upload_head(&handle, &headers)).await;
        let answer = raw.answer().await.expect("an answer");
        (raw, answer)
    };
    let mut all = Vec::new();
    for client in ["1.1.1.1", "2.2.2.2", "1.1.1.1", "2.2.2.2"] {
        let (raw, answer) = through(client).await;
        assert_eq!(answer.status, 100, "{client}");
        all.push(raw);
    }
    assert_eq!(through("1.1.1.1").await.1.refusal(), (429, "too-many-connections".into()));
    assert_eq!(through("3.3.3.3").await.1.status, 100);
    drop(all);
    until("the seats are given back", async || (through("1.1.1.1").await.1.status == 100).then_some(())).await;
}

#[tokio::test]
async fn header_timeout_ms_at_and_past_its_edge() {
    let heim = Standalone::with(&[("limits.header_timeout_ms", "3000")]).await;
    let (mut whole, mut half) = (Raw::connect(heim.base()).await, Raw::connect(heim.base()).await);
    let began = Instant::now();
    let request = head("GET", "/healthz", &[("Host", "x")]);
    let (first, second) = request.split_at(request.len() / 2);
    whole.write(first).await;
    half.write(first).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    whole.write(second).await;
    assert_eq!(whole.answer().await.map(|answer| answer.status), Some(200));
    half.closed().await;
    assert!(began.elapsed() >= Duration::from_millis(2_900), "{:?}", began.elapsed());
    // Idle for as long, it is closed, too.
    whole.closed().await;
}
