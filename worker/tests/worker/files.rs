//! `heim-worker pixels`, as a command without anything around it.

use crate::corpus::{self, PHOTO};
use heim_common::spec::{OutputType, default_specs};
use heim_pixels::{Limits, Transcoder};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A folder with these files of the corpus in it.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn pixels(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heim-worker"));
    command.arg("pixels").args(arguments).current_dir(folder).env_clear().output().unwrap()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn files_become_what_media_objects_become() {
    let photo = corpus::photo(PHOTO);
    let given = folder(&[
        ("in/photo.jpg", &photo),
        ("in/damaged/cut.jpg", &photo[..200_000]),
        ("in/bomb.png", &corpus::photo("png_bomb_65536sq.png")),
        ("in/notes.txt", b"hello, I am called cat.png"),
    ]);
    let made = pixels(given.path(), &["in", "--out", "made", "--jobs", "2"]);
    assert_eq!(made.status.code(), Some(1), "{made:?}");
    assert!(made.stderr.is_empty(), "nobody looks at a progress bar: {made:?}");
    let report = report(&made);
    let entry = |file: &str| report["inputs"].as_array().unwrap().iter().find(|entry| entry["file"] == file).unwrap();
    for (file, reason) in
        [("in/bomb.png", "too-many-pixels"), ("in/damaged/cut.jpg", "damaged"), ("in/notes.txt", "unsupported-type")]
    {
        assert_eq!(entry(file)["failure"]["reason"], reason, "{report}");
        assert_eq!((&entry(file)["description"], &entry(file)["outputs"]), (&Value::Null, &json!([])));
    }
    let whole = entry("in/photo.jpg");
    assert_eq!((&whole["failure"], &whole["bytes"]), (&Value::Null, &json!(photo.len())));
    assert_eq!((&whole["description"]["width"], &whole["description"]["frames"]), (&json!(4032), &json!(1)));
    assert!(whole["cost"]["cpu_ms"].as_f64().unwrap() > 1.0, "{whole}");
    // Its smallest bound: the decoded picture at half its size.
    assert!(whole["cost"]["memory_max"].as_u64().unwrap() > 2016 * 1512 * 3, "{whole}");

    let limits = Limits { pixels_max: 100_000_000, ..Limits::until(Instant::now() + Duration::from_mins(1)) };
    let mut expected = Vec::new();
    let mut sink = |output: heim_pixels::Output<'_>| {
        let file = format!("made/photo.jpg.{}.webp", default_specs()[output.index].name);
        assert!(fs::read(given.path().join(&file)).unwrap() == output.bytes, "{file}");
        expected.push(json!({
            "name": default_specs()[output.index].name, "file": file, "content_type": "image/webp",
            "bytes": output.bytes.len(), "width": output.width, "height": output.height,
        }));
        Ok(())
    };
    Transcoder::new().run(&photo, &default_specs(), &limits, &mut sink).unwrap();
    assert_eq!(whole["outputs"], json!(expected));
    assert_eq!(files_below(&given.path().join("made")).len(), expected.len(), "nothing else is left there");
    let total = &report["total"];
    assert_eq!((&total["inputs"], &total["refused"], &total["failed"]), (&json!(4), &json!(3), &json!(0)));
}

#[test]
fn a_set_of_ones_own_is_made_and_refusals_may_be_expected() {
    let set = r#"[{"name":"tiny","content_type":"image/webp","params":{"width":64,"height":64}}]"#;
    let given = folder(&[
        ("photo.jpg", &corpus::photo("j8_iphone6_420.jpg")),
        ("notes.txt", b"hello"),
        ("set.json", set.as_bytes()),
        ("report.json", &[b' '; 10_000]),
    ]);
    let arguments =
        ["photo.jpg", "notes.txt", "--out", "made", "--set", "set.json", "--report", "report.json", "--refusals-ok"];
    let made = pixels(given.path(), &arguments);
    assert_eq!((made.status.code(), made.stdout.as_slice()), (Some(0), b"".as_slice()), "{made:?}");
    let report: Value = serde_json::from_slice(&fs::read(given.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["inputs"][0]["outputs"][0]["file"], "made/photo.jpg.tiny.webp");
    assert_eq!(report["inputs"][0]["outputs"][0]["width"], 64);
    assert_eq!(report["inputs"][1]["failure"]["reason"], "unsupported-type");
    assert!(given.path().join("made/photo.jpg.tiny.webp").is_file());
}

#[test]
fn what_this_build_cannot_write_is_said_and_the_rest_is_made() {
    let spec =
        |name: &str, kind: &str| json!({"name": name, "content_type": kind, "params": {"width": 64, "height": 64}});
    let [avif, webp, jpeg] = [("a", "image/avif"), ("b", "image/webp"), ("c", "image/jpeg")].map(|(n, k)| spec(n, k));
    let given = folder(&[
        ("photo.jpg", &corpus::photo("j8_iphone6_420.jpg")),
        ("set.json", json!([avif, webp, jpeg]).to_string().as_bytes()),
        ("avif.json", json!([avif]).to_string().as_bytes()),
    ]);
    let run = |set: &str| {
        let made = pixels(given.path(), &["photo.jpg", "--out", "made", "--set", set, "--refusals-ok"]);
        (made.status.code(), report(&made)["inputs"][0].clone())
    };
    let names = |entry: &Value| -> Vec<Value> {
        entry["outputs"].as_array().unwrap().iter().map(|output| output["name"].clone()).collect()
    };
    let (code, entry) = run("set.json");
    if heim_pixels::can_write(OutputType::Avif) {
        assert_eq!((code, names(&entry).len(), &entry["failure"]), (Some(0), 3, &Value::Null));
        return;
    }
    assert_eq!((code, names(&entry)), (Some(1), vec![json!("b"), json!("c")]), "{entry}");
    let failure = json!({"reason": "unsupported-output", "detail": "this build writes no image/avif"});
    assert_eq!((&entry["failure"], &entry["description"]), (&failure, &Value::Null));
    assert!(given.path().join("made/photo.jpg.c.jpeg").is_file());
    let (code, entry) = run("avif.json");
    assert_eq!((code, names(&entry), &entry["failure"]), (Some(1), vec![], &failure), "{entry}");
}

/// On a terminal, which `script` makes.
#[test]
fn whoever_watches_sees_how_far_it_is() {
    let given = folder(&[("one.jpg", &corpus::photo("j8_iphone6_420.jpg")), ("two.txt", b"hello")]);
    let command = format!(
        "stty cols 80 rows 24; '{}' pixels one.jpg two.txt --out made --report report.json",
        env!("CARGO_BIN_EXE_heim-worker")
    );
    let watched = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(given.path())
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .expect("this test needs script(1), of bsdutils");
    let seen = String::from_utf8_lossy(&watched.stdout);
    assert!(seen.contains("1/2 files") && seen.contains("2/2 files"), "{watched:?}");
    assert!(given.path().join("report.json").is_file());
}

#[test]
fn what_cannot_be_begun_is_said_and_changes_nothing() {
    let given = folder(&[
        ("photo.jpg", b"\xff\xd8\xff"),
        ("other/photo.jpg", b"\xff\xd8\xff"),
        ("wrong.json", br#"[{"name":"original","content_type":"image/webp","params":{"width":1,"height":1}}]"#),
        ("wrong.toml", b"this is no set"),
        ("report.json", b"of yesterday"),
    ]);
    let cases: &[(&[&str], &str)] = &[
        (&["missing.jpg", "--out", "made"], "missing.jpg"),
        (&["photo.jpg", "--out", "made", "--set", "wrong.json"], "`original` cannot be the name"),
        (&["photo.jpg", "--out", "made", "--set", "wrong.toml"], "wrong.toml"),
        (&["photo.jpg", "--out", "made", "--set", "missing.toml"], "missing.toml"),
        (&["photo.jpg", "--out", "wrong.toml"], "wrong.toml: nothing can be written"),
        (&["photo.jpg", "other", "--out", "made"], "photo.jpg and other/photo.jpg would be written to the same place"),
        (&["photo.jpg", "--out", "made", "--report", "missing/report.json"], "missing/report.json"),
        (&["missing.jpg", "--out", "made", "--report", "report.json"], "missing.jpg"),
    ];
    let before = files_below(given.path());
    for (arguments, word) in cases {
        let refused = pixels(given.path(), arguments);
        let text = String::from_utf8(refused.stderr).unwrap();
        assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(2), b"".as_slice()), "{text}");
        assert!(text.contains(word), "{text}");
        assert_eq!(files_below(given.path()), before, "{arguments:?}");
    }
    assert_eq!(fs::read(given.path().join("report.json")).unwrap(), b"of yesterday");
}
