//! The page of all numbers, and what a fleet and `heim-media` tell, are the same.

use crate::{
    page::rows,
    watched::{Watched, picture},
};
use heim_tests::{numbers::Numbers, standalone::Standalone, until::until};
use std::collections::{BTreeMap, BTreeSet};

fn kinds_on_the_page() -> BTreeMap<String, String> {
    rows().into_iter().map(|row| (row.name, row.kind)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_number_is_on_the_page_with_its_kind_and_its_labels() {
    let watched = Watched::start().await;
    watched.share().await;
    let numbers = watched.numbers().await;
    assert_eq!(numbers.kinds, kinds_on_the_page());
    for row in rows() {
        let labels: BTreeSet<_> = numbers.labels(&row.name).into_keys().collect();
        assert_eq!(labels, row.labels, "{}", row.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_tells_the_numbers_of_both() {
    let media = Standalone::with(&[("retention.sweep_ms", "500"), ("retention.orphans_s", "1")]).await;
    until("all numbers are told", async || {
        let numbers = Numbers::of(media.base()).await;
        (numbers.kinds == kinds_on_the_page()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_counted_from_its_first_byte_to_its_thumbnails() {
    let watched = Watched::start().await;
    let before = watched.numbers().await;
    assert_eq!(before.sum("heim_uploads_total", &[("outcome", "stored")]), Some(0.0), "what never happened is 0");
    let _ana = watched.share().await;
    // The last that a worker counts of an attempt, and what coordinators, whose page is read
    // first, count of it; then its slot is free.
    let now = until("the attempt is counted to its end", async || {
        let numbers = watched.numbers().await;
        let ends = [
            ("heim_job_verdicts_total", "verdict", "done"),
            ("heim_jobs_ended_total", "end", "done"),
            ("heim_attempt_seconds_count", "verdict", "done"),
            ("heim_stage_seconds_count", "stage", "finish"),
        ];
        let are_told = ends.iter().all(|(name, label, value)| numbers.sum(name, &[(label, value)]) == Some(1.0));
        (are_told && numbers.sum("heim_worker_busy", &[]) == Some(0.0)).then_some(numbers)
    })
    .await;
    let sum = |name, labels: &[_]| now.sum(name, labels).unwrap_or_else(|| panic!("{name} {labels:?} is not told"));
    let is = |name, labels: &[_], value: f64| {
        assert!((sum(name, labels) - value).abs() < f64::EPSILON, "{name} {labels:?}: {}", sum(name, labels));
    };
    let photo = f64::from(u32::try_from(picture().len()).expect("it is small"));
    is("heim_jobs_arrived_total", &[("lane", "interactive")], 1.0);
    is("heim_job_wait_seconds_count", &[("lane", "interactive")], 1.0);
    is("heim_job_verdicts_total", &[("verdict", "done"), ("reason", "none")], 1.0);
    is("heim_job_verdicts_total", &[], 1.0);
    is("heim_jobs_ended_total", &[("end", "done")], 1.0);
    is("heim_upload_bytes_total", &[], photo);
    is("heim_worker_bytes_total", &[("bytes", "fetched")], photo);
    is("heim_downloads_total", &[("outcome", "whole")], 1.0);
    is("heim_sockets", &[], 1.0);
    is("heim_sockets_opened_total", &[], 1.0);
    is("heim_worker_slots", &[], 1.0);
    is("heim_worker_busy", &[], 0.0);
    is("heim_child_memory_bytes_count", &[], 1.0);
    is("heim_child_deaths_total", &[], 0.0);
    is("heim_part_failing", &[], 0.0);
    for (stage, times) in
        [("claim", 1.0), ("fetch", 1.0), ("pixels", 1.0), ("put", 4.0), ("register", 4.0), ("finish", 1.0)]
    {
        is("heim_stage_seconds_count", &[("stage", stage)], times);
    }
    assert!(
        sum("heim_download_bytes_total", &[]) > 500.0 && sum("heim_worker_bytes_total", &[("bytes", "stored")]) > 500.0
    );
    assert!(sum("heim_child_memory_bytes_sum", &[]) > 1e6 && sum("heim_child_cpu_seconds_sum", &[]) > 0.001);
    let whole = sum("heim_attempt_seconds_sum", &[]);
    assert!(whole > sum("heim_stage_seconds_sum", &[("stage", "pixels")]), "{whole}");
}
