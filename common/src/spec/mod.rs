//! Which transcodings to make of an original.

mod name;
mod params;

pub use name::{InvalidName, TranscodingName};
pub use params::{Fit, Focus, InvalidShare, Light, OutputType, Params, Share};

use serde::{Deserialize, Serialize};

/// The name of the identity transcoding.
pub const ORIGINAL: &str = "original";
/// Longest name of a transcoding, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// One transcoding that is to be made: an entry of the `uploaded` hook's reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranscodingSpec {
    /// Under which name it is registered.
    pub name: TranscodingName,
    /// In which format.
    pub content_type: OutputType,
    /// How.
    pub params: Params,
}

/// A list of specs that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpecs {
    /// `original` is what the client uploaded.
    #[error("`original` cannot be the name of a transcoding that is made")]
    NamedOriginal,
    /// Names are keys.
    #[error("two transcodings are named `{0}`")]
    NamedTwice(TranscodingName),
    /// The box or the quality is out of range.
    #[error("transcoding `{0}`: width and height must be 1 to 16383, quality 1 to 100")]
    OutOfRange(TranscodingName),
    /// The encoder has no such effort.
    #[error("transcoding `{0}`: the effort for {kind} must be 0 to {max}", kind = .1.content_type(), max = .1.effort_max())]
    EffortOutOfRange(TranscodingName, OutputType),
    /// Only one format can.
    #[error("transcoding `{0}`: only image/webp can be animated")]
    CannotMove(TranscodingName),
    /// Nothing is cut off.
    #[error("transcoding `{0}`: a focus is for the fit `cover`")]
    FocusWithoutCut(TranscodingName),
    /// A list has a bound.
    #[error("more than {0} transcodings")]
    TooMany(usize),
}

/// Most transcodings of one media object.
pub const SPECS_MAX: usize = 32;

/// Checks what types alone cannot say of a list of specs.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn validate(specs: &[TranscodingSpec]) -> Result<(), InvalidSpecs> {
    if specs.len() > SPECS_MAX {
        return Err(InvalidSpecs::TooMany(SPECS_MAX));
    }
    for (index, spec) in specs.iter().enumerate() {
        let Params { fit, width, height, quality, effort, focus, animated, enlarge: _, light: _ } = spec.params;
        if spec.name.is_original() {
            return Err(InvalidSpecs::NamedOriginal);
        }
        if specs[..index].iter().any(|other| other.name == spec.name) {
            return Err(InvalidSpecs::NamedTwice(spec.name.clone()));
        }
        let sides = 1..=16_383;
        if !sides.contains(&width) || !sides.contains(&height) || !(1..=100).contains(&quality) {
            return Err(InvalidSpecs::OutOfRange(spec.name.clone()));
        }
        if effort.is_some_and(|effort| effort > spec.content_type.effort_max()) {
            return Err(InvalidSpecs::EffortOutOfRange(spec.name.clone(), spec.content_type));
        }
        if animated && spec.content_type != OutputType::Webp {
            return Err(InvalidSpecs::CannotMove(spec.name.clone()));
        }
        if focus.is_some() && fit != Fit::Cover {
            return Err(InvalidSpecs::FocusWithoutCut(spec.name.clone()));
        }
    }
    Ok(())
}

/// What is made of every picture unless the configuration says otherwise: all of
/// it in linear light, and what moves goes on moving in the largest alone.
#[must_use]
pub fn default_specs() -> Vec<TranscodingSpec> {
    [("thumb-160", 160), ("thumb-320", 320), ("thumb-640", 640), ("preview-1280", 1280)]
        .into_iter()
        .map(|(name, side)| TranscodingSpec {
            name: TranscodingName(name.to_owned()),
            content_type: OutputType::Webp,
            params: Params { light: Light::Linear, animated: name == "preview-1280", ..Params::of_box(side, side) },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_have_the_wire_form() {
        let specs = default_specs();
        assert_eq!(validate(&specs), Ok(()));
        assert_eq!(
            serde_json::to_value(&specs[1]).unwrap(),
            serde_json::json!({"name":"thumb-320","content_type":"image/webp",
                "params":{"fit":"inside","width":320,"height":320,"quality":80,"light":"linear"}})
        );
    }

    #[test]
    fn impossible_lists_are_refused() {
        let with = |change: fn(&mut TranscodingSpec)| {
            let mut specs = default_specs();
            change(&mut specs[1]);
            validate(&specs)
        };
        let name = |text: &str| text.parse::<TranscodingName>().unwrap();
        assert_eq!(with(|spec| spec.name = TranscodingName::original()), Err(InvalidSpecs::NamedOriginal));
        assert_eq!(with(|spec| spec.params.width = 0), Err(InvalidSpecs::OutOfRange(name("thumb-320"))));
        assert_eq!(with(|spec| spec.params.height = 16_384), Err(InvalidSpecs::OutOfRange(name("thumb-320"))));
        assert_eq!(with(|spec| spec.params.quality = 101), Err(InvalidSpecs::OutOfRange(name("thumb-320"))));
        let twice = [default_specs(), default_specs()].concat();
        assert_eq!(validate(&twice), Err(InvalidSpecs::NamedTwice(name("thumb-160"))));
        assert_eq!(validate(&vec![default_specs()[0].clone(); 33]), Err(InvalidSpecs::TooMany(32)));
    }

    #[test]
    fn what_a_format_cannot_do_is_refused() {
        let with = |content_type, change: fn(&mut Params)| {
            let mut params = Params::of_box(64, 64);
            change(&mut params);
            validate(&[TranscodingSpec { name: "avatar".parse().unwrap(), content_type, params }])
        };
        let name: TranscodingName = "avatar".parse().unwrap();
        for output in [OutputType::Webp, OutputType::Jpeg, OutputType::Png, OutputType::Avif] {
            assert!(output.effort_default() <= output.effort_max());
        }
        assert_eq!(with(OutputType::Jpeg, |params| params.effort = Some(2)), Ok(()));
        let refused = InvalidSpecs::EffortOutOfRange(name.clone(), OutputType::Jpeg);
        assert_eq!(refused.to_string(), "transcoding `avatar`: the effort for image/jpeg must be 0 to 2");
        assert_eq!(with(OutputType::Jpeg, |params| params.effort = Some(3)), Err(refused));
        assert_eq!(with(OutputType::Avif, |params| params.effort = Some(10)), Ok(()));
        let refused = InvalidSpecs::EffortOutOfRange(name.clone(), OutputType::Avif);
        assert_eq!(with(OutputType::Avif, |params| params.effort = Some(11)), Err(refused));
        assert_eq!(with(OutputType::Webp, |params| params.animated = true), Ok(()));
        let still = InvalidSpecs::CannotMove(name.clone());
        assert_eq!(with(OutputType::Png, |params| params.animated = true), Err(still));
        let whole = InvalidSpecs::FocusWithoutCut(name);
        assert_eq!(with(OutputType::Webp, |params| params.focus = Some(Focus::default())), Err(whole));
    }
}
