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

/// Every limit, and the test that tries it at its edge and past it.
const TESTS: &[(&str, &str)] = &[
    ("upload_bytes_max", "upload_bytes_max_at_and_past_its_edge"),
    ("pixels_max", "pixels_max_at_and_past_its_edge"),
    ("animation_pixels_max", "animation_pixels_max_at_and_past_its_edge"),
    ("animation_frames_max", "animation_frames_max_at_and_past_its_edge"),
    ("pending_per_agent", "pending_per_agent_at_and_past_its_edge"),
    ("attachments_max", "attachments_max_at_and_past_its_edge"),
    ("frame_bytes_max", "frame_bytes_max_at_and_past_its_edge"),
    ("json_bytes_max", "json_bytes_max_at_and_past_its_edge"),
    ("entering_max", "f73_a_herd_comes_in_a_few_at_a_time_and_is_in_nobodys_way"),
    ("connections_max", "connections_max_at_and_past_its_edge"),
    ("connections_per_ip", "connections_per_ip_at_and_past_its_edge"),
    ("sockets_per_agent", "sockets_per_agent_at_and_past_its_edge"),
    ("socket_queue_bytes", "f69_who_reads_too_slowly_hears_why_and_comes_back"),
    ("bytes_per_agent_day", "bytes_per_agent_day_at_and_past_its_edge"),
    ("bytes_per_room_day", "bytes_per_room_day_at_and_past_its_edge"),
    ("header_timeout_ms", "header_timeout_ms_at_and_past_its_edge"),
    (
        "body_idle_timeout_ms",
        "f22_a_body_that_pauses_is_taken_and_one_that_stands_still_is_refused_whatever_came_before",
    ),
    ("body_timeout_ms", "f22_a_body_above_the_slowest_rate_is_taken_but_not_for_ever"),
    ("body_rate_min", "f22_a_body_above_the_slowest_rate_is_taken_but_not_for_ever"),
    ("write_timeout_ms", "a_session_that_never_reads_costs_little_and_does_not_hold_up_the_others"),
    ("upload_handle_s", "upload_handle_s_at_and_past_its_edge"),
    ("download_handle_s", "a_download_handle_ends_and_a_fresh_one_can_be_had"),
    ("pixel_seconds", "f8_a_decoder_that_never_ends_is_too_costly_at_its_deadline"),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the tests' folder").flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn every_limit_has_a_test() {
    let Ok(Value::Object(limits)) = serde_json::to_value(Limits::default()) else { panic!("limits are a table") };
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let all: String = sources(&tests).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for limit in limits.keys() {
        let test = TESTS.iter().find(|(key, _)| key == limit).unwrap_or_else(|| panic!("limits.{limit} has no test"));
        assert!(all.contains(&format!("async fn {}(", test.1)), "limits.{limit}: there is no test {}", test.1);
    }
    assert_eq!(limits.len(), TESTS.len(), "a limit that is gone needs no test");
}
