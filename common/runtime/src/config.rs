//! Layered configuration: compiled-in defaults, then a file, then the
//! environment (`HEIM_MEDIA__SECTION__KEY`).
//!
//! Unknown keys are refused where the section's struct says
//! `deny_unknown_fields`; every error names its key.

use config::{Config, Environment, File, FileFormat, builder::DefaultState};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// Prefix of the environment's keys; `__` stands between their parts.
pub const ENVIRONMENT_PREFIX: &str = "HEIM_MEDIA";

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or cannot be read.
    #[error("cannot read the configuration file {}", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// Something in it is not what is expected there.
    #[error("configuration: {0}")]
    Invalid(config::ConfigError),
}

/// Reads the configuration of one process.
///
/// # Errors
/// [`ConfigError`], whose text names the key or the file.
pub fn load<T: DeserializeOwned>(defaults: &str, file: Option<&Path>) -> Result<T, ConfigError> {
    let environment = Environment::with_prefix(ENVIRONMENT_PREFIX).prefix_separator("__").separator("__");
    layered(defaults, file, environment)
}

/// A variable of the environment that is no key of the configuration: one that
/// other programs read as well. One that is empty is none.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn layered<T: DeserializeOwned>(
    defaults: &str,
    file: Option<&Path>,
    environment: Environment,
) -> Result<T, ConfigError> {
    let mut layers =
        config::ConfigBuilder::<DefaultState>::default().add_source(File::from_str(defaults, FileFormat::Toml));
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Read(path.to_owned(), error))?;
        layers = layers.add_source(File::from_str(&text, FileFormat::Toml));
    }
    let merged: Config = layers.add_source(environment).build().map_err(ConfigError::Invalid)?;
    merged.try_deserialize().map_err(ConfigError::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::HashMap;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Whole {
        part: Part,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Part {
        word: String,
        number: u64,
        flag: bool,
    }

    const DEFAULTS: &str = "[part]\nword = \"a\"\nnumber = 1\nflag = false\n";

    fn with(file: Option<&str>, environment: &[(&str, &str)]) -> Result<Whole, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heim.toml");
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
        }
        let source: HashMap<_, _> =
            environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let environment = Environment::with_prefix(ENVIRONMENT_PREFIX).prefix_separator("__").separator("__");
        layered(DEFAULTS, file.map(|_| path.as_path()), environment.source(Some(source)))
    }

    #[test]
    fn later_layers_win() {
        let part = |word: &str, number, flag| Whole { part: Part { word: word.into(), number, flag } };
        assert_eq!(with(None, &[]).unwrap(), part("a", 1, false));
        assert_eq!(with(Some("[part]\nnumber = 2"), &[]).unwrap(), part("a", 2, false));
        let environment = [("HEIM_MEDIA__PART__NUMBER", "3"), ("HEIM_MEDIA__PART__FLAG", "true")];
        assert_eq!(with(Some("[part]\nnumber = 2"), &environment).unwrap(), part("a", 3, true));
        // A secret of digits keeps its zeros.
        assert_eq!(with(None, &[("HEIM_MEDIA__PART__WORD", "0123")]).unwrap(), part("0123", 1, false));
    }

    #[test]
    fn errors_name_the_key() {
        let error = with(Some("[part]\nnumbr = 2"), &[]).unwrap_err().to_string();
        assert!(error.contains("numbr"), "{error}");
        let error = with(None, &[("HEIM_MEDIA__PART__NUMBER", "many")]).unwrap_err().to_string();
        assert!(error.contains("number"), "{error}");
        let missing = load::<Whole>(DEFAULTS, Some(Path::new("/nowhere/heim.toml"))).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/heim.toml"), "{missing}");
    }
}
