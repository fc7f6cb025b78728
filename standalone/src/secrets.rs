//! The secrets that nobody gave: made at the first start, kept in the data
//! folder for the next.

use anyhow::Context;
use std::{
    fs::{self, OpenOptions, Permissions},
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

const FILE: &str = "secrets.toml";
const OWNER_ONLY: u32 = 0o600;

/// The sections `hooks` and `signing` as TOML, from the data folder.
pub(crate) fn load_or_make(data: &Path) -> anyhow::Result<String> {
    let path = data.join(FILE);
    let kept = || fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()));
    if path.exists() {
        // Perhaps it was copied from a backup by a careless hand.
        fs::set_permissions(&path, Permissions::from_mode(OWNER_ONLY))?;
        return kept();
    }
    // Written whole under another name first: a crash leaves no half secret,
    // and of two first starts at once one wins and the other reads.
    let draft = data.join(format!("{FILE}.{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(OWNER_ONLY)
        .open(&draft)
        .with_context(|| format!("cannot write {}", draft.display()))?;
    write!(file, "[hooks]\nkey = \"worker\"\nsecret = \"{}\"\n\n[signing]\nsecret = \"{}\"\n", secret(), secret())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, &path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("cannot write {}", path.display()))
        }
        _ => kept(),
    }
}

/// 256 random bits.
fn secret() -> String {
    format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_and_are_the_owners() {
        let folder = tempfile::tempdir().unwrap();
        let first = load_or_make(folder.path()).unwrap();
        assert_eq!(load_or_make(folder.path()).unwrap(), first);
        assert!(first.len() > 150);
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, OWNER_ONLY);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
