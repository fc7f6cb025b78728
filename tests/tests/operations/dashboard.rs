//! The dashboard for Grafana: a JSON model as Grafana has it, whose expressions
//! Prometheus takes, over numbers that are there.

use crate::{alerts::promtool, expressions::assert_there, page::operations, watched::Watched};
use serde_json::Value;
use std::{collections::HashSet, fmt::Write, fs};

fn dashboard() -> Value {
    let text = fs::read_to_string(operations().join("grafana.json")).expect("the dashboard is there");
    serde_json::from_str(&text).expect("the dashboard is JSON")
}

/// All panels that show something, with what each asks.
fn panels(dashboard: &Value) -> Vec<(&Value, Vec<String>)> {
    let panels = dashboard["panels"].as_array().expect("panels").iter().filter(|panel| panel["type"] != "row");
    panels
        .map(|panel| {
            let targets = panel["targets"].as_array().expect("what it asks").iter();
            (panel, targets.map(|target| target["expr"].as_str().expect("an expression").to_owned()).collect())
        })
        .collect()
}

#[test]
fn the_dashboard_is_one_that_grafana_imports() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].as_u64().is_some_and(|version| version >= 39), "of Grafana 11");
    assert_eq!(dashboard["templating"]["list"][0]["name"], "datasource");
    let (mut ids, mut places) = (HashSet::new(), HashSet::new());
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(ids.insert(panel["id"].as_u64().expect("a number")), "two panels of one id: {panel}");
        let at = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
        for (x, y) in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
            assert!(x < 24 && places.insert((x, y)), "it lies outside or over another: {panel}");
        }
    }
    for (panel, expressions) in panels(&dashboard) {
        assert!(!expressions.is_empty() && panel["title"].as_str().is_some_and(|title| !title.is_empty()), "{panel}");
        for asked in panel["targets"].as_array().expect("what it asks").iter().chain([panel]) {
            assert_eq!(asked["datasource"]["uid"], "${datasource}", "it reads from what the importer names: {panel}");
        }
    }
}

#[test]
fn prometheus_takes_what_the_dashboard_asks() {
    let dashboard = dashboard();
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (place, expression) in panels(&dashboard).iter().flat_map(|(_, asked)| asked).enumerate() {
        let expression = expression.replace("$__rate_interval", "1m");
        write!(rules, "      - record: asked_{place}\n        expr: '{expression}'\n").expect("a text grows");
    }
    let folder = tempfile::tempdir().expect("a temp folder can be made");
    let file = folder.path().join("rules.yml");
    fs::write(&file, rules).expect("it can be written to");
    promtool(&["check", "rules"], &file);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dashboard_asks_for_numbers_that_a_fleet_tells() {
    let watched = Watched::start().await;
    watched.share().await;
    let numbers = watched.numbers().await;
    for expression in panels(&dashboard()).into_iter().flat_map(|(_, asked)| asked) {
        assert_there(&expression, &numbers);
    }
}
