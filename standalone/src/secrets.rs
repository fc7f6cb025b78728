//! The secrets that nobody gave: made at the first start, kept in the data
//! folder for the next.

use anyhow::Context;
use std::{
    fs::{self, OpenOptions, Permissions},
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

const SECRETS: &str = "secrets.toml";
const API_TOKEN: &str = "api.toml";
const MASTER_KEY: &str = "master.key";
const OWNER_ONLY: u32 = 0o600;

/// The sections `hooks`, `signing` and `admin` as TOML, from the data folder.
pub(crate) fn load_or_make(data: &Path) -> anyhow::Result<String> {
    let secrets = kept_or_made(&data.join(SECRETS), || {
        format!("[hooks]\nkey = \"worker\"\nsecret = \"{}\"\n\n[signing]\nsecret = \"{}\"\n", secret(), secret())
    })?;
    let token = kept_or_made(&data.join(API_TOKEN), || format!("[admin]\ntoken = \"{}\"\n", secret()))?;
    Ok(format!("{secrets}\n{token}"))
}

/// The file of the master key, in the data folder. Whoever has both the file and
/// a copy of the rest can read its private rooms.
pub(crate) fn master_key(data: &Path) -> anyhow::Result<PathBuf> {
    let path = data.join(MASTER_KEY);
    kept_or_made(&path, || format!("{}\n", secret()))?;
    Ok(path)
}

fn kept_or_made(path: &Path, make: impl FnOnce() -> String) -> anyhow::Result<String> {
    let kept = || fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    if path.exists() {
        // Perhaps it was copied from a backup by a careless hand.
        fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY))?;
        return kept();
    }
    // Written whole under another name first: a crash leaves no half secret,
    // and of two first starts at once one wins and the other reads.
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(OWNER_ONLY)
        .open(&draft)
        .with_context(|| format!("cannot write {}", draft.display()))?;
    file.write_all(make().as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("cannot write {}", path.display()))
        }
        _ => kept(),
    }
}

/// 256 random bits as hexadecimal digits.
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
        let key = fs::read(master_key(folder.path()).unwrap()).unwrap();
        assert_eq!(load_or_make(folder.path()).unwrap(), first);
        assert_eq!(fs::read(master_key(folder.path()).unwrap()).unwrap(), key);
        assert!(first.len() > 250 && key.len() == 65);
        for file in [SECRETS, API_TOKEN, MASTER_KEY] {
            let mode = fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, OWNER_ONLY, "{file}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_data_folder_of_the_release_before_keeps_its_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let old = "[hooks]\nkey = \"worker\"\nsecret = \"s\"\n";
        fs::write(folder.path().join(SECRETS), old).unwrap();
        let all = load_or_make(folder.path()).unwrap();
        assert!(all.starts_with(old) && all.contains("[admin]"));
    }
}
