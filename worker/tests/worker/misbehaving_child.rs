//! A pixel child of this test's own, which does what the "file" that it is
//! given says: it crashes, hangs, lies, or does its work.
//!
//! The test binary starts itself again as this child, since production code has
//! no faults to switch on. So this speaks the protocol as it is on the wire,
//! without a line of the code that it tests.

use heim_common::spec::default_specs;
use heim_worker::children::ChildCommand;
use rustix::{
    net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendFlags, recvmsg, sendmsg},
    process::{Signal, getpid, kill_process},
    time::{ClockId, clock_gettime},
};
use std::{
    fs::File,
    io::{IoSlice, IoSliceMut, Read, Seek, stdin},
    mem::MaybeUninit,
    os::{fd::AsFd, unix::fs::FileExt},
    time::Duration,
};

const ROLE: &str = "role=misbehaving-child";
/// Enough for whoever looks at the first bytes.
const WEBP: &[u8] = b"RIFF\x04\0\0\0WEBP";
pub(crate) const DESCRIPTION: &str = r#"{"width":400,"height":300,"placeholder":"AAAAAAA=","frames":1,"alpha":false}"#;

/// The child as a command: libtest takes the last argument for the name of one
/// more test, and finds none.
pub(crate) fn misbehaving_child() -> ChildCommand {
    let arguments = ["--exact", "misbehaving_child::child", "--nocapture", ROLE];
    ChildCommand { program: std::env::current_exe().unwrap(), args: arguments.map(Into::into).to_vec() }
}

/// Not a test of anything by itself.
#[test]
fn child() {
    if std::env::args().any(|argument| argument == ROLE) {
        say(r#"{"report":"ready","walls":{}}"#);
        while let Some((file, area)) = next_file() {
            misbehave(&file, &area);
        }
    }
}

pub(crate) fn say(text: &str) {
    let nothing = &mut SendAncillaryBuffer::default();
    sendmsg(stdin().as_fd(), &[IoSlice::new(text.as_bytes())], nothing, SendFlags::NOSIGNAL).unwrap();
}

pub(crate) fn next_file() -> Option<(String, File)> {
    let mut buffer = vec![0; 65_536];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let request =
        recvmsg(stdin().as_fd(), &mut [IoSliceMut::new(&mut buffer)], &mut control, RecvFlags::CMSG_CLOEXEC).unwrap();
    if request.bytes == 0 {
        return None;
    }
    let mut files = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            files.extend(fds.map(File::from));
        }
    }
    let [mut original, area]: [File; 2] = files.try_into().unwrap();
    let mut text = String::new();
    original.rewind().unwrap();
    // By way of `take`, which does not ask for the size: that is a call that no
    // child makes.
    original.take(1 << 20).read_to_string(&mut text).unwrap();
    Some((text, area))
}

/// A file is a list of lines, each a thing to do.
fn misbehave(file: &str, area: &File) {
    for line in file.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("abort", _) => std::process::abort(),
            ("exit", code) => std::process::exit(code.parse().unwrap()),
            ("signal", number) => {
                kill_process(getpid(), Signal::from_named_raw(number.parse().unwrap()).unwrap()).unwrap();
            }
            ("hang", _) => loop {
                std::thread::park();
            },
            ("spin", ms) => spin(Duration::from_millis(ms.parse().unwrap())),
            ("allocate", bytes) => drop(std::hint::black_box(vec![1u8; bytes.parse().unwrap()])),
            ("say", text) => say(text),
            ("say-much", bytes) => say(&"x".repeat(bytes.parse().unwrap())),
            ("shrink", _) => assert!(area.set_len(0).is_err(), "the output area can be shrunk"),
            ("work", count) => work(count.parse().unwrap(), area, DESCRIPTION),
            ("name-itself", _) => work(4, area, &DESCRIPTION.replace("400", &getpid().to_string())),
            other => panic!("{other:?}"),
        }
    }
}

/// Uses up this much CPU time.
fn spin(time: Duration) {
    let used = || Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap();
    let begun = used();
    while used().saturating_sub(begun) < time {
        std::hint::spin_loop();
    }
}

/// Does the first `count` of the four default specs.
fn work(count: usize, area: &File, found: &str) {
    for (index, spec) in default_specs().iter().enumerate().take(count) {
        let offset = index * WEBP.len();
        area.write_all_at(WEBP, offset as u64).unwrap();
        let (len, width) = (WEBP.len(), spec.params.width);
        let description = if index == 0 { found } else { "null" };
        say(&format!(
            r#"{{"report":"output","index":{index},"offset":{offset},"len":{len},"width":{width},"height":1,"description":{description}}}"#
        ));
    }
    if count == default_specs().len() {
        say(&format!(r#"{{"report":"done","description":{found}}}"#));
    }
}
