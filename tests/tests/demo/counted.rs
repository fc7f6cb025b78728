//! The numbers of a deployment: by SQL, by the pages of the dashboard, by the shell.

use heim_tests::{
    dashboard::{Dashboard, between, number},
    process::binary,
    sql::sql,
    until::until,
};
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::process::Command;

const STATES: [&str; 4] = ["pending", "running", "done", "failed"];

/// By SQL.
#[derive(Debug)]
pub(crate) struct Counted {
    /// Jobs, by lane and state.
    jobs: BTreeMap<(String, String), u64>,
    /// Media objects, objects and bytes, by room.
    usage: BTreeMap<String, [u64; 3]>,
    /// Jobs by the reason of their failure.
    reasons: BTreeMap<String, u64>,
}

impl Counted {
    pub(crate) async fn by_sql(url: &str) -> Self {
        let rows = async |statement: &str| -> Vec<Vec<String>> {
            sql(url, statement).await.lines().map(|row| row.split('|').map(str::to_owned).collect()).collect()
        };
        let count = |text: &String| text.parse::<u64>().expect("a count");
        let jobs = rows("SELECT lane, state, count(*) FROM job GROUP BY lane, state").await;
        let usage = rows(
            "SELECT room, count(DISTINCT id), count(*), sum(made.size) FROM media_object
             JOIN media_transcoding AS made ON media_id = id GROUP BY room",
        );
        let usage = usage.await;
        let reasons = rows("SELECT reason, count(*) FROM job WHERE state = 'failed' GROUP BY reason").await;
        Self {
            jobs: jobs.iter().map(|row| ((row[0].clone(), row[1].clone()), count(&row[2]))).collect(),
            usage: usage.iter().map(|row| (row[0].clone(), [1, 2, 3].map(|column| count(&row[column])))).collect(),
            reasons: reasons.iter().map(|row| (row[0].clone(), count(&row[1]))).collect(),
        }
    }

    fn of(&self, is_one: impl Fn(&str, &str) -> bool) -> u64 {
        self.jobs.iter().filter(|((lane, state), _)| is_one(lane, state)).map(|(_, count)| count).sum()
    }

    /// Dashboard and shell say the same.
    pub(crate) async fn agrees(&self, dashboard: &Dashboard, settings: &BTreeMap<String, String>) {
        self.agrees_with_the_overview(dashboard).await;
        self.agrees_with_lists(dashboard).await;
        self.agrees_with_the_shell(settings).await;
    }

    async fn agrees_with_the_overview(&self, dashboard: &Dashboard) {
        // What lanes did lately is counted anew after seconds, and a worker that was killed
        // is silent after some.
        let arrived = self.of(|lane, _| lane == "interactive");
        let page = until("the overview has caught up", async || {
            let page = dashboard.page("/ops/").await;
            (number(&page, "interactive-arrived") == arrived && number(&page, "workers") == 3).then_some(page)
        });
        let page = page.await;
        for state in STATES {
            assert_eq!(number(&page, state), self.of(|_, found| found == state), "{state}");
        }
        for lane in ["interactive", "bulk", "backfill"] {
            assert_eq!(number(&page, &format!("{lane}-arrived")), self.of(|found, _| found == lane), "{lane}");
            for state in STATES {
                let counted = self.of(|found, has| (found, has) == (lane, state));
                assert_eq!(number(&page, &format!("{lane}-{state}")), counted, "{lane}: {state}");
            }
        }
    }

    async fn agrees_with_lists(&self, dashboard: &Dashboard) {
        for (reason, count) in &self.reasons {
            let page = dashboard.page(&format!("/ops/jobs?state=failed&reason={reason}")).await;
            assert_eq!(page.matches("aria-label=\"Choose ").count() as u64, (*count).min(50), "{reason}");
        }
        let page = dashboard.page("/ops/usage").await;
        for (room, [media, objects, bytes]) in &self.usage {
            let row = between(&page, &format!(">{room}</a>"), "</tr>").unwrap_or_else(|| panic!("no {room}: {page}"));
            let numbers = [format!(">{media}<"), format!(">{objects}<"), format!("\"{bytes} bytes\"")];
            assert!(numbers.iter().all(|number| row.contains(number)), "{room}: {numbers:?} are not all in {row}");
        }
        assert_eq!(page.matches("href=\"/ops/jobs?room=").count(), self.usage.len());
    }

    async fn agrees_with_the_shell(&self, settings: &BTreeMap<String, String>) {
        let mut jobs = BTreeMap::new();
        let mut before: Option<String> = None;
        loop {
            let mut words = vec!["job", "list", "--limit", "60"];
            words.extend(before.iter().flat_map(|before| ["--before", before.as_str()]));
            let page = admin(settings, &words).await;
            for job in page["jobs"].as_array().expect("a list") {
                let word = |name: &str| job[name].as_str().expect("a word").to_owned();
                *jobs.entry((word("lane"), word("state"))).or_default() += 1;
            }
            before = page["next"].as_str().map(str::to_owned);
            if before.is_none() {
                break;
            }
        }
        assert_eq!(jobs, self.jobs);
        let usage = admin(settings, &["usage"]).await;
        let usage = usage["usage"].as_array().expect("a list").iter().map(|usage| {
            let count = |name: &str| usage[name].as_u64().expect("a count");
            let counts = [count("media_objects"), count("objects"), count("bytes")];
            (usage["name"].as_str().expect("a room").to_owned(), counts)
        });
        assert_eq!(usage.collect::<BTreeMap<_, _>>(), self.usage);
    }
}

/// What `heim-coordinator admin … --json` answers.
async fn admin(settings: &BTreeMap<String, String>, words: &[&str]) -> Value {
    let mut command = Command::new(binary("heim-coordinator"));
    command.arg("admin").args(words).arg("--json").env_clear().envs(settings).kill_on_drop(true);
    let ended = command.output().await.expect("it starts");
    assert!(ended.status.success(), "{words:?}: {ended:?}");
    serde_json::from_slice(&ended.stdout).expect("one JSON document")
}
