//! The name by which logs and rows know a worker.

/// A name that no other start of any worker has: `host-pid-random`.
pub(crate) fn fresh(random: u32) -> String {
    format!("{}-{}-{random:08x}", host(), std::process::id())
}

/// The machine's name.
pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_ends_in_what_is_its_own() {
        let name = super::fresh(0xbeef);
        assert!(name.ends_with(&format!("-{}-0000beef", std::process::id())), "{name}");
    }
}
