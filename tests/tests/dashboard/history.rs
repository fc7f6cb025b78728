//! What is told of the days before: by the page, the shell and the API alike, after a
//! restart, after the attempts are gone, and of days in which nothing was.

use crate::{TOKEN, start};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    dashboard::{Dashboard, address, between, number},
    keyed::Keyed,
    sharing::{finished, share_accepted},
    sql::{in_sqlite, sql},
    truth,
    until::until,
};
use serde_json::{Value, json};

/// Rows of 40 days that are over, the last of which is yesterday: 1, 2, 3 … jobs were done,
/// the oldest first; on the seventh day from now on back nothing was.
pub(crate) fn days_before(now: &str) -> String {
    format!(
        "INSERT INTO lane_day WITH RECURSIVE back(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM back WHERE n < 40)
         SELECT {now} / 86400 - n, lane, CASE WHEN n = 6 THEN 0 ELSE 41 - n END, CASE WHEN n = 3 THEN 2 ELSE 0 END
         FROM back, (SELECT 'interactive' AS lane UNION ALL SELECT 'bulk' UNION ALL SELECT 'backfill') AS lanes"
    )
}

const NOW_SQLITE: &str = "CAST(unixepoch() AS integer)";
pub(crate) const NOW_POSTGRES: &str = "CAST(floor(extract(epoch FROM clock_timestamp())) AS bigint)";

/// The rows of the table, each as its texts.
fn rows(page: &str) -> Vec<Vec<String>> {
    let body = between(page, "<tbody>", "</tbody>").unwrap_or_else(|| panic!("no table: {page}"));
    let text = |cell: &str| between(cell, ">", "<").filter(|text| !text.is_empty()).map(str::to_owned);
    let cells = |row: &str| {
        let cells = row.split("<td").skip(1);
        let cells = cells.map(|cell| text(cell).or_else(|| text(cell.split_once("<time").map_or("", |time| time.1))));
        cells.map(|cell| cell.expect("each says something")).collect()
    };
    body.split("<tr").skip(1).map(cells).collect()
}

/// The page says this of the last days: what was done today, and that the other lanes did
/// nothing then.
async fn says(dashboard: &Dashboard, (done, failed): (u64, u64)) {
    for (days, known, of_rows, failures) in [(7, 7, 40 + 39 + 38 + 37 + 36, 2), (30, 30, 719, 2), (90, 41, 785, 2)] {
        let page = dashboard.page(&format!("/ops/history?days={days}")).await;
        let rows = rows(&page);
        assert_eq!(rows.len(), known, "{days}: {page}");
        assert_eq!(rows[0][1..], [done, failed, 0, 0, 0, 0].map(|n| n.to_string()), "{days}: {:?}", rows[0]);
        assert_eq!(rows[1][1..], ["40", "0", "40", "0", "40", "0"], "{days}");
        assert_eq!(rows[3][1..], ["38", "2", "38", "2", "38", "2"], "{days}");
        assert_eq!(rows[6][1..], ["0"; 6], "{days}: a day in which nothing was is a day");
        let counted = (number(&page, "interactive-done"), number(&page, "interactive-failed"));
        assert_eq!(counted, (of_rows + done, failures + failed), "{days}");
        assert_eq!(number(&page, "bulk-done"), of_rows, "{days}");
        for words in [
            format!("Jobs: {} done and {} failed in {days} days; highest 40 in a day", counted.0, counted.1),
            format!("/ops/history?days={days}\" aria-current=\"true\""),
        ] {
            assert!(page.contains(&words), "{days}: {words}: {page}");
        }
        assert_eq!(page.contains("nothing is known"), days == 90, "{days}: {page}");
        // The line begins where something is known.
        let line = between(&page, "class=\"lines\"", "</svg>").expect("it is drawn");
        assert_eq!(line.contains(" d=\"M0 "), days < 90, "{days}: {line}");
    }
    let page = dashboard.page("/ops/history?days=nonsense").await;
    assert!(page.contains("/ops/history?days=30\" aria-current=\"true\""), "{page}");
}

#[tokio::test]
async fn the_days_of_a_fleet_outlive_their_attempts_and_its_coordinators() {
    let settings = [("ops.listen", "127.0.0.1:0"), ("jobs.attempts_kept_s", "1")];
    let mut keyed = Keyed::with(2, 1, &settings).await;
    let url = keyed.fleet.database_url().to_owned();
    let ana = Client::enter(keyed.base(0), "welcome", Entrance::aware(), "ana").await;
    for name in [corpus::SMALL, corpus::SMALL, "hostile/trunc/jpg_15.jpg"] {
        let id = share_accepted(&ana, corpus::read(name)).await;
        finished(&ana, id).await;
    }
    truth::settled(&keyed.fleet.database().await).await;
    // Two of them were long ago: that day is counted, and then they are gone.
    sql(&url, "UPDATE attempt SET ended = ended - 41 * CAST(86400000 AS bigint) WHERE verdict = 'done'").await;
    let counted = "SELECT count(*) || ' ' || sum(done) FROM lane_day WHERE lane = 'interactive' AND done > 0";
    for place in 0..2 {
        keyed.replace_coordinator(place, &[]).await;
    }
    until("it is counted", async || (sql(&url, counted).await == "1 2").then_some(())).await;
    until("its attempts are gone", async || (sql(&url, "SELECT count(*) FROM attempt").await == "1").then_some(()))
        .await;
    assert_eq!(sql(&url, "SELECT count(DISTINCT day) * 3 - count(*) FROM lane_day").await, "0", "zeros are rows");

    // One transaction, so that nobody counts in between.
    sql(&url, &format!("LOCK TABLE lane_day; DELETE FROM lane_day; {}", days_before(NOW_POSTGRES))).await;
    for place in 0..2 {
        let dashboard = Dashboard::login(&address(&keyed.fleet.coordinators[place]).await, TOKEN_OF_FLEET).await;
        says(&dashboard, (0, 1)).await;
    }

    let said = keyed.admin(&["lane", "days", "--days", "8", "--json"], "").await;
    let said: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let days = said["days"].as_array().expect("days");
    assert_eq!(days.len(), 8 * 3);
    assert_eq!((&days[0]["lane"], &days[0]["done"], &days[0]["failed"]), (&json!("interactive"), &json!(0), &json!(1)));
    assert_eq!((&days[3]["done"], days[3]["from"].as_i64().map(|from| from % 86_400_000)), (&json!(40), Some(0)));
    assert_eq!(keyed.operator(0).look("lanes/days?days=8").await, said);
    assert_eq!(keyed.operator(1).look("lanes/days").await["days"].as_array().expect("days").len(), 30 * 3);
    let words = keyed.admin(&["lane", "days", "--days", "2"], "").await.out;
    let lines: Vec<_> = words.lines().collect();
    assert!(lines.len() == 7 && lines[0].starts_with("day ") && lines[4].contains("interactive  40"), "{words}");
    assert!(!keyed.admin(&["lane", "days", "--days", "367"], "").await.success);
}

const TOKEN_OF_FLEET: &str = heim_tests::keyed::TOKEN;

#[tokio::test]
async fn the_days_of_one_process_are_those_of_its_file() {
    let (mut heim, dashboard) = start().await;
    let page = dashboard.page("/ops/history").await;
    assert_eq!((rows(&page).len(), number(&page, "bulk-done")), (1, 0), "nothing is known but today: {page}");
    assert!(page.contains("nothing is known"), "{page}");
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    finished(&ana, id).await;
    truth::settled(&heim.database().await).await;
    in_sqlite(&heim.data().join("heim.db"), &days_before(NOW_SQLITE)).await;
    says(&dashboard, (1, 0)).await;
    heim.process.terminate();
    heim.process.ended().await;
    heim.restart().await;
    says(&Dashboard::login(&address(&heim.process).await, TOKEN).await, (1, 0)).await;
}
