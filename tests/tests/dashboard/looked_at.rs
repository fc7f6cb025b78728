//! History and Redis in a real Chromium. The script is `tests/browser/history.mjs`.

use crate::{
    browser::script,
    history::{NOW_POSTGRES, days_before},
};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    dashboard::address,
    keyed::{Keyed, TOKEN},
    sharing::{finished, share_accepted},
    sql::sql,
    truth,
};

#[tokio::test]
async fn operators_look_at_days_and_at_redis_in_a_browser() {
    let mut keyed = Keyed::with(1, 1, &[("ops.listen", "127.0.0.1:0")]).await;
    let ana = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    for name in [corpus::SMALL, "hostile/trunc/jpg_15.jpg"] {
        let id = share_accepted(&ana, corpus::read(name)).await;
        finished(&ana, id).await;
    }
    truth::settled(&keyed.fleet.database().await).await;
    sql(keyed.fleet.database_url(), &days_before(NOW_POSTGRES)).await;
    let base = address(&keyed.fleet.coordinators[0]).await;
    script("history.mjs", &[&base, TOKEN], &["there"], &[]).await;
    keyed.fleet.redis.kill9();
    let seen = ["wide-light", "wide-dark", "narrow-light", "narrow-dark"];
    let there = seen.map(|seen| format!("redis-there-{seen}"));
    let days = seen.map(|seen| format!("history-30-{seen}"));
    let away = seen.map(|seen| format!("redis-away-{seen}"));
    let all: Vec<_> = there.iter().chain(&days).chain(&away).map(String::as_str).collect();
    script("history.mjs", &[&base, TOKEN], &["away"], &all).await;
    keyed.fleet.redis.restart();
}
