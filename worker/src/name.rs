//! The name by which logs and rows know a worker.

/// A name that no other start of any worker has: `host-pid-random`.
pub(crate) fn fresh(random: u32) -> String {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy();
    format!("{host}-{}-{random:08x}", std::process::id())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_ends_in_what_is_its_own() {
        let name = super::fresh(0xbeef);
        assert!(name.ends_with(&format!("-{}-0000beef", std::process::id())), "{name}");
    }
}
