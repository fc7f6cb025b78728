//! Seccomp: the system calls that a child needs between two files, and no other.
//!
//! Whatever is not in the list kills the child with SIGSYS, instead of an error
//! that a decoder in foreign hands could live with: no honest decoder makes such
//! a call, so there is nobody to be lenient with, and the death names its cause.
//!
//! No file is opened, no socket made, no program, process or thread started,
//! nobody else signalled or traced, no limit moved, no memory made executable.

use heim_runtime::failpoint;
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};

/// What is allowed whatever it is asked.
const FREE: &[c_long] = &[
    // Requests and reports. A descriptor that is sent finds no room at the pool's end.
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    // The original, the outputs, the last words of a panic.
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_close,
    // Memory. What maps or changes a page is below.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Locks, seeds of hash maps, time where the kernel's page does not tell it.
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    // How much memory there is: how a large array is sorted depends on it.
    libc::SYS_sysinfo,
    // The ways to end: by a return, an abort, or a signal that Rust looks at first.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sigaltstack,
    libc::SYS_getpid,
    libc::SYS_gettid,
    // What the kernel makes of a call that a SIGSTOP and a SIGCONT interrupted.
    libc::SYS_restart_syscall,
];

/// Puts the calling thread behind the list.
pub(super) fn allow_only_what_is_needed() -> Result<(), seccompiler::Error> {
    apply_filter(&program()?)
}

fn program() -> Result<BpfProgram, seccompiler::Error> {
    let mut rules: Vec<(c_long, Vec<SeccompRule>)> = FREE.iter().map(|&call| (call, Vec::new())).collect();
    rules.extend(bound()?);
    let (others, these) = (SeccompAction::KillProcess, SeccompAction::Allow);
    let arch = std::env::consts::ARCH.try_into()?;
    Ok(SeccompFilter::new(rules.into_iter().collect(), others, these, arch)?.try_into()?)
}

/// What is allowed for some arguments alone. Any one of a call's rules lets it pass.
fn bound() -> Result<Vec<(c_long, Vec<SeccompRule>)>, seccompiler::Error> {
    let own = u64::from(std::process::id());
    let is = |argument, value| SeccompCondition::new(argument, Dword, SeccompCmpOp::Eq, value);
    let without = |argument, bit| SeccompCondition::new(argument, Dword, SeccompCmpOp::MaskedEq(bit), 0);
    let one = |condition| SeccompRule::new(vec![condition]);
    let not_executable = || one(without(2, number(libc::PROT_EXEC))?);
    let mut bound = vec![
        (libc::SYS_mmap, vec![not_executable()?]),
        (libc::SYS_mprotect, vec![not_executable()?]),
        // Whether a descriptor is open: the standard library of a debug build
        // looks before it closes one.
        (libc::SYS_fcntl, vec![one(is(1, number(libc::F_GETFD))?)?]),
        // An abort, of this process alone.
        (libc::SYS_tgkill, vec![SeccompRule::new(vec![is(0, own)?, is(2, number(libc::SIGABRT))?])?]),
        // Rust's handler gives a fault that is no stack overflow back to the
        // kernel, and an abort does the same with its own signal.
        (
            libc::SYS_rt_sigaction,
            [libc::SIGSEGV, libc::SIGBUS, libc::SIGABRT]
                .into_iter()
                .map(|signal| one(is(0, number(signal))?))
                .collect::<Result<_, _>>()?,
        ),
    ];
    if failpoint::are_armed() {
        // What is planted in a test's file has the child kill itself.
        bound.push((libc::SYS_kill, vec![one(is(0, own)?)?]));
    }
    Ok(bound)
}

/// A constant of the C library, which has them all as signed numbers.
fn number(constant: i32) -> u64 {
    u64::from(constant.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_both_free_and_bound() {
        for (call, rules) in bound().unwrap() {
            assert!(!FREE.contains(&call) && !rules.is_empty(), "{call}");
        }
        program().unwrap();
    }

    /// What the kernel answers to a call with these arguments, by the rules of
    /// seccomp(2): no safe function makes executable memory, so that no test can
    /// try it from inside.
    fn answer(call: c_long, arguments: [u64; 6]) -> u32 {
        let arch: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };
        let mut data = [u32::try_from(call).unwrap().to_le_bytes(), arch.to_le_bytes(), [0; 4], [0; 4]].concat();
        data.extend(arguments.into_iter().flat_map(u64::to_le_bytes));
        let (program, mut at, mut value) = (program().unwrap(), 0, 0);
        loop {
            let step = &program[at];
            at += 1;
            let mut jump = |is_so: bool| at += usize::from(if is_so { step.jt } else { step.jf });
            match step.code {
                0x20 => value = u32::from_le_bytes(*data[step.k as usize..].first_chunk().unwrap()),
                0x54 => value &= step.k,
                0x05 => at += step.k as usize,
                0x15 => jump(value == step.k),
                0x25 => jump(value > step.k),
                0x35 => jump(value >= step.k),
                0x06 => return step.k,
                other => panic!("{other:#x} is no instruction that this test knows"),
            }
        }
    }

    #[test]
    fn no_memory_becomes_executable() {
        let (read, write, exec) = (number(libc::PROT_READ), number(libc::PROT_WRITE), number(libc::PROT_EXEC));
        for call in [libc::SYS_mmap, libc::SYS_mprotect] {
            let with = |protection: u64| answer(call, [0, 4_096, protection, 0x22, u64::MAX, 0]);
            for harmless in [0, read, write, read | write] {
                assert_eq!(with(harmless), libc::SECCOMP_RET_ALLOW, "{call} with {harmless:#x}");
                assert_eq!(with(harmless | exec), libc::SECCOMP_RET_KILL_PROCESS, "{call} with {harmless:#x}");
            }
        }
        for call in [libc::SYS_pkey_mprotect, libc::SYS_shmat, libc::SYS_remap_file_pages, libc::SYS_execve] {
            assert_eq!(answer(call, [0; 6]), libc::SECCOMP_RET_KILL_PROCESS, "{call}");
        }
    }

    #[test]
    fn a_child_ends_itself_and_nobody_else() {
        let (own, abort) = (u64::from(std::process::id()), number(libc::SIGABRT));
        let to = |process, signal| answer(libc::SYS_tgkill, [process, process, signal, 0, 0, 0]);
        assert_eq!(to(own, abort), libc::SECCOMP_RET_ALLOW);
        assert_eq!(to(own - 1, abort), libc::SECCOMP_RET_KILL_PROCESS);
        assert_eq!(to(own, number(libc::SIGKILL)), libc::SECCOMP_RET_KILL_PROCESS);
    }
}
