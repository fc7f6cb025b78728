//! Room for this process's own ends of all sockets, and for the coordinators'
//! ends: they inherit the limit.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open besides sockets, in any one process.
const BESIDES: usize = 500;

/// Raises the limit of open files so that this process can hold so many sockets.
pub(crate) fn raise(sockets: usize) {
    let needed = u64::try_from(sockets + BESIDES).unwrap_or(u64::MAX);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return;
    }
    assert!(
        maximum.is_none_or(|maximum| maximum >= needed),
        "{sockets} sockets need {needed} open files, and the hard limit is {}: raise it (`ulimit -Hn {needed}` as root, \
         or `nofile` in /etc/security/limits.conf)",
        maximum.unwrap_or_default()
    );
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum })
        .expect("the soft limit is below the hard one");
}
