//! Each limit of the section `limits` at its edge, where all is well, and past
//! it, where it is said what is wrong.

mod animations;
mod connections;
mod rooms;
mod uploads;

use heim_common::limits::Limits;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Every limit, the test that tries it at its edge, and the one that tries it past it.
const TESTS: &[(&str, &str, &str)] = &[
    both("upload_bytes_max", "upload_bytes_max_at_and_past_its_edge"),
    both("pixels_max", "pixels_max_at_and_past_its_edge"),
    both("animation_pixels_max", "animation_pixels_max_at_and_past_its_edge"),
    both("animation_frames_max", "animation_frames_max_at_and_past_its_edge"),
    both("pending_per_agent", "pending_per_agent_at_and_past_its_edge"),
    both("attachments_max", "attachments_max_at_and_past_its_edge"),
    both("frame_bytes_max", "frame_bytes_max_at_and_past_its_edge"),
    both("json_bytes_max", "json_bytes_max_at_and_past_its_edge"),
    both("entering_max", "f73_a_herd_comes_in_a_few_at_a_time_and_is_in_nobodys_way"),
    both("connections_max", "connections_max_at_and_past_its_edge"),
    both("connections_per_ip", "connections_per_ip_at_and_past_its_edge"),
    both("sockets_per_agent", "sockets_per_agent_at_and_past_its_edge"),
    (
        "socket_queue_bytes",
        "f69_who_reads_late_and_not_too_late_has_missed_nothing",
        "f69_who_reads_too_slowly_hears_why_and_comes_back",
    ),
    both("bytes_per_agent_day", "bytes_per_agent_day_at_and_past_its_edge"),
    both("bytes_per_room_day", "bytes_per_room_day_at_and_past_its_edge"),
    both("header_timeout_ms", "header_timeout_ms_at_and_past_its_edge"),
    both(
        "body_idle_timeout_ms",
        "f22_a_body_that_pauses_is_taken_and_one_that_stands_still_is_refused_whatever_came_before",
    ),
    both("body_timeout_ms", "f22_a_body_above_the_slowest_rate_is_taken_but_not_for_ever"),
    (
        "body_rate_min",
        "f22_a_body_above_the_slowest_rate_is_taken_but_not_for_ever",
        "f22_a_body_below_the_slowest_rate_is_refused_and_not_stored",
    ),
    // Of the accept loop, whose own tests these are.
    (
        "write_timeout_ms",
        "an_answer_that_is_read_slowly_but_not_too_slowly_comes_to_its_end",
        "an_answer_that_is_read_a_byte_at_a_time_is_closed",
    ),
    both("upload_handle_s", "upload_handle_s_at_and_past_its_edge"),
    both("download_handle_s", "a_download_handle_ends_and_a_fresh_one_can_be_had"),
    both("pixel_seconds", "pixel_seconds_at_and_past_its_edge"),
];

const fn both(limit: &'static str, test: &'static str) -> (&'static str, &'static str, &'static str) {
    (limit, test, test)
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the tests' folder").flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn every_limit_has_a_test() {
    let Ok(Value::Object(limits)) = serde_json::to_value(Limits::default()) else { panic!("limits are a table") };
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [own.join("tests"), own.join("../common/runtime/tests")];
    let all = folders.iter().flat_map(|folder| sources(folder)).map(|path| fs::read_to_string(path).unwrap());
    let all: String = all.collect();
    for limit in limits.keys() {
        let tests = TESTS.iter().find(|(key, ..)| key == limit).unwrap_or_else(|| panic!("limits.{limit} has no test"));
        for test in [tests.1, tests.2] {
            assert!(all.contains(&format!("async fn {test}(")), "limits.{limit}: there is no test {test}");
        }
    }
    assert_eq!(limits.len(), TESTS.len(), "a limit that is gone needs no test");
}
