//! The file of keys that tools for S3 agree on: sections in brackets, a line
//! for each key.

use crate::config::is_writable;
use object_store::aws::AwsCredential;

/// The section that is meant where nobody says one.
const DEFAULT: &str = "default";

/// What is wrong with a file. Never shows what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadProfile {
    #[error("it is no text")]
    NoText,
    #[error("it has no such profile")]
    NoProfile,
    #[error("the profile has no {0}")]
    Missing(&'static str),
    #[error("the profile's {0} has characters that no key has")]
    Unwritable(&'static str),
}

/// The keys of a profile.
pub(super) fn read(bytes: &[u8], profile: &str) -> Result<AwsCredential, BadProfile> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadProfile::NoText)?;
    let wanted = if profile.is_empty() { DEFAULT } else { profile };
    let (mut is_here, mut found) = (false, false);
    let (mut key_id, mut secret_key, mut token) = (String::new(), String::new(), String::new());
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_here = section.trim() == wanted;
            found |= is_here;
        } else if is_here && let Some((name, value)) = line.split_once('=') {
            let value = value.trim().to_owned();
            match name.trim().to_ascii_lowercase().as_str() {
                "aws_access_key_id" => key_id = value,
                "aws_secret_access_key" => secret_key = value,
                "aws_session_token" => token = value,
                _ => {}
            }
        }
    }
    if !found {
        return Err(BadProfile::NoProfile);
    }
    for (name, value) in [("aws_access_key_id", &key_id), ("aws_secret_access_key", &secret_key)] {
        if value.is_empty() {
            return Err(BadProfile::Missing(name));
        }
    }
    for (name, value) in [("aws_access_key_id", &key_id), ("aws_session_token", &token)] {
        if !is_writable(value) {
            return Err(BadProfile::Unwritable(name));
        }
    }
    Ok(AwsCredential { key_id, secret_key, token: Some(token).filter(|token| !token.is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_as_other_tools_write_it() {
        let text = b"# of us\n[other]\naws_access_key_id = o\naws_secret_access_key = p\n\n[default]\n\
            aws_access_key_id=a\n  AWS_SECRET_ACCESS_KEY = b=/c+ \naws_session_token = t\nregion = here\n";
        let keys = read(text, "").unwrap();
        assert_eq!((keys.key_id.as_str(), keys.secret_key.as_str(), keys.token.as_deref()), ("a", "b=/c+", Some("t")));
        let keys = read(text, "other").unwrap();
        assert_eq!((keys.key_id.as_str(), keys.secret_key.as_str(), keys.token), ("o", "p", None));
    }

    #[test]
    fn what_is_not_whole_is_no_profile() {
        let whole = "[default]\naws_access_key_id = a\naws_secret_access_key = b\n";
        for (text, bad) in [
            ("", BadProfile::NoProfile),
            ("[default", BadProfile::NoProfile),
            (&whole[..14], BadProfile::Missing("aws_access_key_id")),
            (&whole[..40], BadProfile::Missing("aws_secret_access_key")),
            (&whole.replace(" a\n", " a b\n"), BadProfile::Unwritable("aws_access_key_id")),
        ] {
            assert_eq!(read(text.as_bytes(), "").err(), Some(bad), "{text}");
        }
        assert_eq!(read(whole.as_bytes(), "p").err(), Some(BadProfile::NoProfile));
        assert_eq!(read(b"\xff", "").err(), Some(BadProfile::NoText));
    }
}
