//! The section `keys` of the configuration.

use super::{InvalidMaster, Keyring, Kms, LocalMaster};
use heim_runtime::Secret;
use serde::{Deserialize, Deserializer, Serialize};
use std::{fs, io, sync::Arc};
use zeroize::Zeroizing;

/// Where the master keys are. Without one there are no private rooms.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysConfig {
    /// The master key: 32 random bytes, in base 64 or as 64 hexadecimal digits.
    pub master: Secret,
    /// A file that holds it.
    pub master_file: String,
    /// Master keys that still open what they wrapped: a list, or one text with
    /// spaces or commas between them.
    #[serde(deserialize_with = "one_or_many")]
    pub previous: Vec<Secret>,
}

/// Master keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKeys {
    /// One of them would be ignored.
    #[error("keys.master and keys.master_file: give one of the two")]
    Two,
    /// The file cannot be read. Public rooms can be served all the same.
    #[error("keys.master_file cannot be read")]
    File(#[source] io::Error),
    /// This key is none.
    #[error("{0} is no master key")]
    Master(&'static str, #[source] InvalidMaster),
}

impl KeysConfig {
    /// The master keys, opened.
    pub(crate) fn keyring(&self) -> Result<Keyring, InvalidKeys> {
        let mut masters: Vec<Arc<dyn Kms>> = Vec::new();
        match (self.master.is_empty(), self.master_file.is_empty()) {
            (false, false) => return Err(InvalidKeys::Two),
            (false, true) => masters.push(parse("keys.master", self.master.expose())?),
            (true, false) => {
                let text = fs::read_to_string(&self.master_file).map(Zeroizing::new).map_err(InvalidKeys::File)?;
                masters.push(parse("keys.master_file", &text)?);
            }
            (true, true) => {}
        }
        for previous in &self.previous {
            masters.push(parse("keys.previous", previous.expose())?);
        }
        Ok(Keyring::new(masters, !(self.master.is_empty() && self.master_file.is_empty())))
    }
}

fn parse(key: &'static str, text: &str) -> Result<Arc<dyn Kms>, InvalidKeys> {
    Ok(Arc::new(LocalMaster::parse(text).map_err(|error| InvalidKeys::Master(key, error))?))
}

/// Secrets, of which the environment has texts only.
pub(crate) fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Secret>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(Secret),
        List(Vec<Secret>),
    }
    Ok(match Given::deserialize(deserializer)? {
        Given::List(list) => list,
        Given::Text(text) => {
            let words = text.expose().split([' ', ',']).filter(|word| !word.is_empty());
            words.map(|word| Secret::new(word.to_owned())).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(toml: &str) -> KeysConfig {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn previous_keys_are_a_list_or_a_text() {
        let (one, two) = ("0f".repeat(32), "f0".repeat(32));
        let list = config(&format!("previous = [\"{one}\", \"{two}\"]"));
        let text = config(&format!("previous = \"{one}, {two}\""));
        assert_eq!((list.previous.len(), list.previous), (2, text.previous));
    }

    #[test]
    fn wrong_keys_are_named_and_not_shown() {
        let say = |toml: &str| format!("{:?}", config(toml).keyring().err().map(|error| error.to_string()));
        assert!(say("master = \"hunter2\"").contains("keys.master is no master key"));
        assert!(!say("master = \"hunter2\"").contains("hunter2"));
        assert!(say("previous = \"hunter2\"").contains("keys.previous"));
        assert!(say("master = \"x\"\nmaster_file = \"y\"").contains("one of the two"));
        assert!(say("master_file = \"/nowhere/at/all\"").contains("cannot be read"));
        assert!(config("").keyring().unwrap().master().is_err());
    }
}
