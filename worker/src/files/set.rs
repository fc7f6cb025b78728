//! What to make, from a file: a list of specs as they are on the wire, or the
//! section `transcodings` as a coordinator has it in its configuration.

use heim_common::spec::{InvalidSpecs, TranscodingSpec, default_specs, validate};
use serde::Deserialize;
use std::{fs, io, path::Path};

/// Why a file is no set.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetError {
    #[error("the set cannot be read")]
    Read(#[source] io::Error),
    #[error("a set is a .json or a .toml file")]
    Ending,
    #[error("not a set in JSON")]
    Json(#[source] serde_json::Error),
    #[error("not a set in TOML")]
    Toml(#[source] toml::de::Error),
    #[error("a set names at least one transcoding")]
    Empty,
    #[error("this cannot be made")]
    Invalid(#[source] InvalidSpecs),
}

/// As a coordinator's file has it; its other sections are not looked at.
#[derive(Deserialize)]
struct Sections {
    transcodings: Transcodings,
}

#[derive(Deserialize)]
struct Transcodings {
    image: Vec<TranscodingSpec>,
}

/// The specs of a file, or the default ones.
pub(super) fn specs(file: Option<&Path>) -> Result<Vec<TranscodingSpec>, SetError> {
    let Some(file) = file else { return Ok(default_specs()) };
    let text = fs::read_to_string(file).map_err(SetError::Read)?;
    let specs = match file.extension().and_then(|ending| ending.to_str()) {
        Some("json") if text.trim_start().starts_with('[') => serde_json::from_str(&text).map_err(SetError::Json)?,
        Some("json") => serde_json::from_str::<Sections>(&text).map_err(SetError::Json)?.transcodings.image,
        Some("toml") => toml::from_str::<Sections>(&text).map_err(SetError::Toml)?.transcodings.image,
        _ => return Err(SetError::Ending),
    };
    if specs.is_empty() {
        return Err(SetError::Empty);
    }
    validate(&specs).map_err(SetError::Invalid)?;
    Ok(specs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs_of(name: &str, text: &str) -> Result<Vec<TranscodingSpec>, SetError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        specs(Some(&file))
    }

    #[test]
    fn a_set_is_the_same_in_every_form() {
        let json = serde_json::to_string(&default_specs()).unwrap();
        assert_eq!(specs(None).unwrap(), default_specs());
        assert_eq!(specs_of("set.json", &json).unwrap(), default_specs());
        let sections = format!(r#"{{"transcodings":{{"image":{json}}},"limits":{{}}}}"#);
        assert_eq!(specs_of("set.json", &sections).unwrap(), default_specs());
        let toml = r#"
            [[transcodings.image]]
            name = "thumb-160"
            content_type = "image/webp"
            params = { fit = "inside", width = 160, height = 160, light = "linear" }
        "#;
        assert_eq!(specs_of("set.toml", toml).unwrap(), default_specs()[..1]);
    }

    #[test]
    fn what_is_wrong_with_a_set_is_told_apart() {
        assert!(matches!(specs_of("set.json", "[{}]"), Err(SetError::Json(_))));
        assert!(matches!(specs_of("set.toml", "image = 3"), Err(SetError::Toml(_))));
        assert!(matches!(specs_of("set.yaml", "[]"), Err(SetError::Ending)));
        assert!(matches!(specs_of("set.json", "[]"), Err(SetError::Empty)));
        let twice = serde_json::to_string(&[default_specs(), default_specs()].concat()).unwrap();
        assert!(matches!(specs_of("set.json", &twice), Err(SetError::Invalid(InvalidSpecs::NamedTwice(_)))));
    }
}
