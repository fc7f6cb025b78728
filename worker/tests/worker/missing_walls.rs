//! Kernels that lack a wall. The test binary starts itself again behind a filter
//! that has the kernel answer so, and starts the real children there.

use crate::{
    corpus::{PHOTO, all, photo, real_child, work},
    misbehaving_child::misbehaving_child,
};
use heim_worker::{
    PixelsConfig,
    children::{Pool, PoolError, StartError, Wall},
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};
use std::{num::NonZeroUsize, process::Command};

const ROLE: &str = "role=on-another-kernel:";
const RESULT: &str = "on this kernel: ";

/// The call that another kernel refuses, how, and which walls are missing for that.
const KERNELS: &[(&str, libc::c_long, i32, &[&str])] = &[
    ("no-landlock", libc::SYS_landlock_create_ruleset, libc::ENOSYS, &["landlock: the kernel has no landlock"]),
    ("landlock-off", libc::SYS_landlock_create_ruleset, libc::EOPNOTSUPP, &["landlock: landlock is not among"]),
    ("no-seccomp", libc::SYS_seccomp, libc::EINVAL, &["seccomp: "]),
    ("no-limits", libc::SYS_prlimit64, libc::EPERM, &["open-files: ", "file-size: ", "memory: ", "cpu: "]),
];

fn start(require_sandbox: bool) -> Result<Pool, PoolError> {
    let pixels = PixelsConfig { require_sandbox, ..PixelsConfig::default() };
    Pool::start(&real_child(), NonZeroUsize::MIN, 200, pixels)
}

/// To ask for a limit is no harm, and without that of core dumps no child begins.
fn setting_a_limit() -> SeccompRule {
    let not = |argument, value| SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, value);
    SeccompRule::new(vec![not(1, u64::from(libc::RLIMIT_CORE)).unwrap(), not(2, 0).unwrap()]).unwrap()
}

/// Not a test of anything by itself: the worker on the other kernel.
#[tokio::test]
async fn worker() {
    let mut arguments = std::env::args();
    let Some(kernel) = arguments.find_map(|argument| Some(argument.strip_prefix(ROLE)?.to_owned())) else { return };
    let (_, call, errno, _) = KERNELS.iter().find(|(name, ..)| *name == kernel).unwrap();
    let answer = SeccompAction::Errno(errno.cast_unsigned());
    let refused = if *call == libc::SYS_prlimit64 { vec![setting_a_limit()] } else { Vec::new() };
    let rules = [(*call, refused)].into_iter().collect();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, std::env::consts::ARCH.try_into().unwrap());
    apply_filter(&BpfProgram::try_from(filter.unwrap()).unwrap()).unwrap();

    let pool = start(false).unwrap();
    for (wall, why) in pool.walls().missing() {
        println!("{RESULT}{}: {why}", wall.as_str());
    }
    all(pool.run(work(&photo(PHOTO))).await).await.1.unwrap();
    println!("{RESULT}it works all the same");
    println!("{RESULT}{}", heim_runtime::telemetry::chain(&start(true).unwrap_err()));
}

fn on_another_kernel(name: &str) -> Vec<String> {
    let role = format!("{ROLE}{name}");
    let arguments = ["--exact", "missing_walls::worker", "--nocapture", &role];
    let output = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.lines().filter_map(|line| Some(line.split_once(RESULT)?.1.to_owned())).collect()
}

#[test]
fn a_missing_wall_is_said_and_an_error_where_it_is_required() {
    for (name, _, _, missing) in KERNELS {
        let said = on_another_kernel(name);
        let (walls, rest) = said.split_at(missing.len());
        for (said, expected) in walls.iter().zip(*missing) {
            assert!(said.starts_with(expected), "{name}: {said}");
        }
        let [works, refused] = rest else { panic!("{name}: {said:?}") };
        assert_eq!(works, "it works all the same");
        let first = missing[0].split_once(':').unwrap().0;
        let sentence = format!("the wall `{first}` around a pixel child is missing: ");
        assert!(refused.contains(&sentence), "{name}: {refused}");
        assert!(
            refused.contains("pixels.require_sandbox") && refused.len() > sentence.len() + 100,
            "{name}: {refused}"
        );
    }
}

#[test]
fn a_child_that_says_nothing_of_its_walls_has_none() {
    let pixels = PixelsConfig { require_sandbox: true, ..PixelsConfig::default() };
    let refused = Pool::start(&misbehaving_child(), NonZeroUsize::MIN, 1, pixels).unwrap_err();
    assert!(matches!(refused, PoolError::Child(StartError::Open { wall: Wall::Privileges, .. })), "{refused:?}");
}
