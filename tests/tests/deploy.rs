//! What `deploy/` and `docs/operations/` tell an operator to copy: systemd reads
//! the units, the binaries take their words and their settings, and the image has
//! what the binaries need.

use heim_tests::process::binary;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Each unit's name and text.
fn units() -> BTreeMap<String, String> {
    let folder = fs::read_dir(root().join("deploy/systemd")).expect("the folder is there");
    let names = folder.map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"));
    names.map(|name| (name.clone(), read(&format!("deploy/systemd/{name}")))).collect()
}

fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

/// Program and words of a unit's start.
fn started(unit: &str) -> (&str, Vec<&str>) {
    let [line] = values(unit, "ExecStart")[..] else { panic!("one ExecStart: {unit}") };
    let mut words = line.split_whitespace();
    let program = words.next().expect("a program");
    (program.strip_prefix("/usr/local/bin/").expect("it is installed there"), words.collect())
}

/// A file, as the page has it.
fn block(name: &str) -> String {
    let page = read("docs/operations/README.md");
    let lines = page.split_once(&format!("```sh {name}\n")).unwrap_or_else(|| panic!("the page has no {name}")).1;
    lines.split_once("```").expect("it ends").0.to_owned()
}

/// A file of settings, as the page has it.
fn settings(name: &str) -> Vec<(String, String)> {
    let setting = |line: &str| line.split_once('=').map(|(key, value)| (key.into(), value.into())).expect("a setting");
    block(name).lines().map(setting).collect()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn systemd_reads_every_unit() {
    let machine = tempfile::tempdir().expect("a folder");
    let (programs, folder) = (machine.path().join("usr/local/bin"), machine.path().join("etc/systemd/system"));
    fs::create_dir_all(&programs).expect("a folder can be made");
    fs::create_dir_all(&folder).expect("a folder can be made");
    let verify = |name: &str, text: &str| {
        let name = name.replace('@', "@1");
        fs::write(folder.join(&name), text).expect("a unit can be written");
        let mut command = Command::new("systemd-analyze");
        command
            .args(["verify", "--man=no", "--recursive-errors=no"])
            .arg(format!("--root={}", machine.path().display()));
        command.arg(folder.join(name)).output().expect("systemd-analyze is installed")
    };
    for (name, text) in units() {
        fs::copy(binary(started(&text).0), programs.join(started(&text).0)).expect("a program can be copied");
        let output = verify(&name, &text);
        assert!(output.status.success() && said(&output).is_empty(), "{name}: {}", said(&output));
    }
    let wrong = verify("wrong.service", "[Service]\nExecStart=/usr/local/bin/heim-media\nRestrat=always\n");
    assert!(said(&wrong).contains("Restrat"), "a unit with a wrong key is found: {}", said(&wrong));
}

/// `make units` sees what this is for.
#[test]
fn units_are_started_until_what_they_need_is_there() {
    for (name, text) in units() {
        assert_eq!(values(&text, "StartLimitIntervalSec"), ["0"], "{name}: systemd gives up after five starts");
        for folder in values(&text, "ReadWritePaths") {
            assert!(!folder.starts_with('-'), "{name}: where {folder} comes late, it is never let into it");
        }
    }
}

/// Of the image and of the page: a folder that machines share knows no names.
#[test]
fn the_account_has_one_number_everywhere() {
    let [made, page] = [read("deploy/Dockerfile"), read("docs/operations/README.md")];
    for words in ["groupadd --system --gid 8080 heim-media", "useradd --system --uid 8080 --gid 8080 "] {
        assert!(made.contains(words) && page.contains(words), "{words}");
    }
    assert!(made.lines().any(|line| line == "USER 8080:8080"), "{made}");
}

/// What units may leave to whoever has taken their process over, in tenths of what systemd
/// counts from 0 to 10.
const EXPOSURE_MAX: &str = "35";

#[test]
fn units_leave_little_to_whoever_takes_their_process_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let judge = |name: &str, text: &str| {
        let file = folder.path().join(name.replace('@', "@1"));
        fs::write(&file, text).expect("a unit can be written");
        let mut command = Command::new("systemd-analyze");
        command.args(["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE_MAX]).arg(file);
        command.output().expect("systemd-analyze is installed")
    };
    for (name, text) in units() {
        let output = judge(&name, &text);
        assert!(output.status.success(), "{name}: {}", said(&output));
        let weaker = text.replace("CapabilityBoundingSet=\n", "");
        assert!(!judge(&name, &weaker).status.success(), "{name}: what is left open is counted");
    }
}

#[test]
fn the_binaries_take_the_words_of_units_and_the_settings_of_the_page() {
    for (name, text) in units() {
        let (program, words) = started(&text);
        let mut command = Command::new(binary(program));
        command.args(words).arg("--check-config").env_clear();
        for file in values(&text, "EnvironmentFile") {
            let file = file.trim_start_matches('-').strip_prefix("/etc/heim-media/").expect("it is there");
            command.envs(settings(&file.replace("%i", "1")));
        }
        let output = command.output().expect("it starts");
        assert!(output.status.success(), "{name}: {}", said(&output));
        assert!(said(&output).contains("https://media.example"), "{name}: {}", said(&output));
        // What is on another machine reaches them: the balancer, and who reads numbers.
        let listens = match program {
            "heim-coordinator" => "10.0.0.11:8080",
            "heim-worker" => "10.0.0.21:9090",
            _ => "127.0.0.1:8080",
        };
        assert!(said(&output).contains(&format!("\nlisten = \"{listens}\"\n")), "{name}: {}", said(&output));
    }
    assert!(read("deploy/haproxy.cfg").contains("-10.0.0.11:8080}"), "the balancer asks there");
}

#[test]
fn a_shell_of_the_page_has_what_the_unit_has() {
    let machine = tempfile::tempdir().expect("a folder");
    for name in ["fleet.env", "coordinator.env"] {
        fs::write(machine.path().join(name), block(name)).expect("a file can be written");
    }
    let script = block("heim-admin").replace("/etc/heim-media", machine.path().to_str().expect("a plain name"));
    let (before, program) = script.split_once("exec setpriv ").expect("it becomes another user");
    let (_, words) = program.split_once("/usr/local/bin/heim-coordinator").expect("it is the coordinator");
    let script = format!("{before}exec {}{words}", binary("heim-coordinator").display());
    let mut shell = Command::new("sh");
    shell.args(["-euc", &script, "heim-admin", "serve", "--check-config"]).env_clear();
    let output = shell.output().expect("a shell starts");
    assert!(output.status.success() && said(&output).contains("https://media.example"), "{}", said(&output));
}

#[test]
fn workers_are_not_told_what_they_must_not_know() {
    let shared = settings("fleet.env");
    for key in ["DATABASE__", "SIGNING__", "KEYS__", "ADMIN__"] {
        assert!(!shared.iter().any(|(name, _)| name.contains(key)), "{key} is in fleet.env");
        assert!(settings("coordinator.env").iter().any(|(name, _)| name.contains(key)), "{key} is in no file");
    }
    for (name, text) in units() {
        let knows = values(&text, "EnvironmentFile").contains(&"/etc/heim-media/coordinator.env");
        assert_eq!(knows, started(&text).0 == "heim-coordinator", "{name}");
    }
    // With a Procfile they share an environment, and what is kept from workers is said one by one.
    let procfile = read("Procfile");
    let worker = procfile.lines().find_map(|line| line.strip_prefix("worker: env ")).expect("workers are in it");
    let kept: BTreeSet<_> =
        worker.split("-u ").filter_map(|word| word.split(' ').next()?.strip_prefix("HEIM_MEDIA__")).collect();
    let secret = ["DATABASE__URL", "SIGNING__SECRET", "SIGNING__ACCEPTED", "ADMIN__TOKEN", "OPS__VIEW_TOKEN"];
    let secret = secret.map(str::to_owned);
    let keys = read("coordinator/default.toml");
    let keys = keys.split_once("\n[keys]\n").expect("a section").1.split("\n[").next().expect("its lines").lines();
    let keys = keys.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    let keys = keys.map(|(key, _)| format!("KEYS__{}", key.to_uppercase()));
    let secret: BTreeSet<_> = secret.into_iter().chain(keys).collect();
    assert_eq!(kept, secret.iter().map(String::as_str).collect());
}

#[test]
fn the_image_has_the_binaries_and_all_that_they_load() {
    let file = read("deploy/Dockerfile");
    let copied = file.lines().find_map(|line| line.strip_prefix("COPY ")).expect("it copies binaries");
    let binaries: Vec<_> = copied.split_whitespace().filter_map(|word| word.strip_prefix("target/release/")).collect();
    assert_eq!(binaries, ["heim-coordinator", "heim-worker", "heim-media"]);
    let ignored = read(".dockerignore");
    for name in binaries {
        assert!(ignored.lines().any(|line| line == format!("!target/release/{name}")), "{name} reaches the builder");
        let output = Command::new("ldd").arg(binary(name)).output().expect("ldd is there");
        for library in said(&output).lines().filter_map(|line| line.split_whitespace().next()) {
            // Of libc6 and libgcc-s1, which every Debian has.
            let plain = ["linux-vdso.so.1", "libgcc_s.so.1", "libm.so.6", "libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
            assert!(plain.contains(&library), "{name} needs {library}, which a slim Debian has not");
        }
    }
}
