//! The rules for Prometheus: promtool takes them, they say what their test says, and
//! they are over numbers that are there.

use crate::{expressions::assert_there, page::operations, watched::Watched};
use heim_common::job::Reason;
use std::{fs, path::Path, process::Command};

/// Runs promtool, of Debian's package `prometheus`.
pub(crate) fn promtool(words: &[&str], file: &Path) {
    let run = Command::new("promtool").args(words).arg(file).output();
    let run = run.expect("promtool is not installed: `make test` installs it, with the package `prometheus`");
    let told = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "promtool {words:?} {}: {told}", file.display());
}

#[test]
fn promtool_takes_the_rules_and_they_say_what_they_should() {
    promtool(&["check", "rules"], &operations().join("alerts.yml"));
    promtool(&["test", "rules"], &operations().join("alerts.test.yml"));
}

#[test]
fn every_rule_says_what_it_is_and_what_to_do() {
    let text = fs::read_to_string(operations().join("alerts.yml")).expect("the rules are there");
    let rules: Vec<_> = text.split("- alert: ").skip(1).collect();
    assert!(rules.len() > 15, "{}", rules.len());
    for rule in rules {
        let name = rule.lines().next().unwrap_or_default();
        for part in ["expr: ", "severity: ", "summary: ", "description: "] {
            assert_eq!(rule.matches(part).count(), 1, "{name}: {part}");
        }
    }
}

#[test]
fn what_is_red_at_the_dashboard_is_what_the_rules_are_about() {
    let text = fs::read_to_string(operations().join("alerts.yml")).expect("the rules are there");
    let of = |rule: &str| text.split(&format!("- alert: {rule}\n")).nth(1).expect("it is there").to_owned();
    let (fail, poison) = (of("HeimJobsFail"), of("HeimPoison"));
    let words = fail.split_once("reason=~\"").expect("by reason").1.split('"').next().expect("it ends");
    let mut told: Vec<_> = words.split('|').collect();
    assert!(poison.lines().next().is_some_and(|expr| expr.contains("reason=\"poison\"")), "{poison}");
    told.push("poison");
    told.sort_unstable();
    let mut ours: Vec<_> = Reason::ALL.iter().filter(|one| one.is_ours()).map(|one| one.as_str()).collect();
    ours.sort_unstable();
    assert_eq!(ours, told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rules_are_over_numbers_that_a_fleet_tells() {
    let watched = Watched::start().await;
    watched.share().await;
    let numbers = watched.numbers().await;
    let text = fs::read_to_string(operations().join("alerts.yml")).expect("the rules are there");
    // With what is said to people: the numbers in there are looked up by them.
    for rule in text.split("- alert: ").skip(1) {
        assert_there(rule, &numbers);
    }
}
