//! What is given up before anybody had it has ended, too: dashboard, shell, `/metrics` and
//! rows say so with one voice.

use heim_tests::{
    client::{Client, Entrance},
    corpus,
    dashboard::{Dashboard, address, number},
    keyed::{Keyed, TOKEN},
    numbers::Numbers,
    sharing::{finished, share_accepted},
    sql,
    until::until,
};
use serde_json::Value;

/// What each of them says that has come, is done and has failed, in this order: dashboard,
/// history, shell, `/metrics`, attempts.
async fn said(keyed: &Keyed, dashboard: &Dashboard) -> [(u64, u64, u64); 5] {
    let page = dashboard.page("/ops/").await;
    let lanes = keyed.admin(&["lane", "list", "--json"], "").await;
    let lanes: Value = serde_json::from_str(&lanes.out).unwrap_or_else(|error| panic!("{error}: {lanes:?}"));
    let hour = |name: &str| lanes["lanes"][0]["hour"][name].as_u64().expect("a number");
    let numbers = Numbers::of(keyed.base(0)).await;
    let counted = |name: &str, labels: &[(&str, &str)]| {
        let sum = numbers.sum(name, labels).unwrap_or_else(|| panic!("{name} is not told"));
        (0_u32..100).find(|whole| (f64::from(*whole) - sum).abs() < 0.5).map(u64::from).expect("it is small")
    };
    let rows = async |statement: &str| sql::number(keyed.fleet.database_url(), statement).await.unsigned_abs();
    let arrived = number(&page, "interactive-arrived");
    let days = dashboard.page("/ops/history?days=7").await;
    [
        (arrived, number(&page, "interactive-done"), number(&page, "interactive-failed")),
        // Days say nothing of what came.
        (arrived, number(&days, "interactive-done"), number(&days, "interactive-failed")),
        (hour("arrived"), hour("done"), hour("failed")),
        (
            counted("heim_jobs_arrived_total", &[("lane", "interactive")]),
            counted("heim_jobs_ended_total", &[("end", "done")]),
            counted("heim_jobs_ended_total", &[("end", "failed")]),
        ),
        (
            rows("SELECT count(*) FROM job").await,
            rows("SELECT count(*) FROM attempt WHERE verdict = 'done' AND ended IS NOT NULL").await,
            rows("SELECT count(*) FROM attempt WHERE verdict = 'discard' AND ended IS NOT NULL").await,
        ),
    ]
}

#[tokio::test]
async fn what_is_given_up_before_its_time_has_failed_wherever_one_looks() {
    let keyed = Keyed::with(1, 0, &[("ops.listen", "127.0.0.1:0")]).await;
    let dashboard = Dashboard::login(&address(&keyed.fleet.coordinators[0]).await, TOKEN).await;
    let ana = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    for _ in 0..2 {
        share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    }
    let url = keyed.fleet.database_url();
    let job = sql::sql(url, "SELECT min(id) FROM job").await.parse().expect("a number");
    let job = heim_common::JobId::from_i64(job).to_string();
    let discard = [("what", "discard"), ("job", job.as_str()), ("sure", "yes")];
    assert_eq!(dashboard.post("/ops/jobs", &discard).await.status, 303);
    let agree = async |what: &str, expected: (u64, u64, u64)| {
        until(what, async || (said(&keyed, &dashboard).await == [expected; 5]).then_some(())).await;
    };
    agree("all say that one of two has failed", (2, 0, 1)).await;
    let by_state = "SELECT string_agg(state, ' ' ORDER BY state) FROM job";
    assert_eq!(sql::sql(url, by_state).await, "failed pending");
    // Nobody had it.
    let page = dashboard.page(&format!("/ops/jobs/{job}")).await;
    assert!(page.contains(">discard<") && page.contains("data-label=\"worker\"><span class=\"muted\">–"), "{page}");

    // Its end stays one when it is tried again, and another one comes to it.
    assert_eq!(dashboard.post("/ops/jobs", &[("what", "retry"), ("job", &job)]).await.status, 303);
    assert_eq!(sql::sql(url, by_state).await, "pending pending");
    agree("all say that one has failed", (2, 0, 1)).await;
    let all = dashboard.post("/ops/jobs", &[("what", "discard"), ("all", "yes"), ("sure", "yes")]).await;
    assert_eq!(all.header("location"), "/ops/?said=discarded&n=2");
    agree("all say that three ends were bad", (2, 0, 3)).await;
}

#[tokio::test]
async fn a_claim_that_finds_nothing_to_do_is_an_end_wherever_one_looks() {
    let keyed = Keyed::with(1, 1, &[("ops.listen", "127.0.0.1:0")]).await;
    let dashboard = Dashboard::login(&address(&keyed.fleet.coordinators[0]).await, TOKEN).await;
    let ana = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    finished(&ana, id).await;
    let agree = async |what: &str, expected: (u64, u64, u64)| {
        until(what, async || (said(&keyed, &dashboard).await == [expected; 5]).then_some(())).await;
    };
    agree("all say that one is done", (1, 1, 0)).await;
    // As it is when a worker dies between its last transcoding and its verdict, and its lease
    // runs out.
    let again = "UPDATE job SET state = 'pending', dispatched = NULL, finished = NULL, lease_until = NULL";
    sql::sql(keyed.fleet.database_url(), again).await;
    agree("all say that it was done twice", (1, 2, 0)).await;
}
