//! Landlock: no path, no port, and, where the kernel knows how, no socket and
//! no process outside.
//!
//! The allowed [`calls`](super::calls) name none of these either. This is the
//! second wall, of another make, for the day on which the first has a hole.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, Ruleset, RulesetAttr, RulesetError,
    RulesetStatus, Scope,
};

/// The newest that is asked for. A kernel gives of it what it knows.
const NEWEST: ABI = ABI::V10;

/// Why there is none of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoLandlock {
    #[error("the kernel has no landlock")]
    Unknown,
    #[error("landlock is not among the security modules that this kernel was started with")]
    Off,
    #[error("the kernel has landlock and has not enforced it")]
    NotEnforced,
    #[error("{0}")]
    Refused(#[from] RulesetError),
}

/// Gives up everything that landlock can take, and says how much that was.
pub(super) fn shut_off() -> Result<String, NoLandlock> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .restrict_self()?;
    match status.landlock {
        LandlockStatus::NotImplemented => Err(NoLandlock::Unknown),
        LandlockStatus::NotEnabled => Err(NoLandlock::Off),
        LandlockStatus::Available { .. } if status.ruleset == RulesetStatus::NotEnforced => {
            Err(NoLandlock::NotEnforced)
        }
        LandlockStatus::Available { effective_abi, .. } => {
            let network = if effective_abi >= ABI::V4 { "files and TCP" } else { "files" };
            Ok(format!("{network}, ABI {}", effective_abi as i32))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::File,
        io::ErrorKind,
        net::{TcpListener, TcpStream},
    };

    /// Without the list of calls before it, which would kill. It holds for one
    /// thread, which is given away for it.
    #[test]
    fn nothing_opens_and_nothing_answers_any_more() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tried = std::thread::spawn(move || {
            let how_far = shut_off().expect("this test needs a kernel with landlock");
            let denied =
                |tried: std::io::Result<()>| tried.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
            let file = denied(File::open("/proc/self/environ").map(drop));
            (how_far, file, denied(TcpStream::connect(address).map(drop)))
        });
        let (how_far, file, network) = tried.join().unwrap();
        assert!(file);
        assert_eq!(network, how_far.contains("TCP"), "{how_far}");
    }
}
