//! What is measured: each job a set of specs, the files that it is about, and
//! what has to come of it.

use crate::photos::{Photo, is_12_mp};
use heim_common::{header::Format, spec::Light};
use serde_json::{Value, json};

/// The longest sides of a set.
pub(crate) const SIDES: [u32; 4] = [160, 320, 640, 1280];
const QUALITY: u8 = 80;
/// Of AVIF, whose scale is its own: that at which it scores like WebP's 80.
const AVIF_QUALITY: u8 = 66;

/// One row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Its name in files and orders.
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    pub(crate) format: Format,
    /// Of files of its format: those that its targets are about.
    pub(crate) counts: fn(&Photo) -> bool,
    /// What we are to make, in the wire form: what this build cannot read, it
    /// cannot make.
    pub(crate) ours: Value,
    /// What the others are to make.
    pub(crate) theirs: Value,
    pub(crate) animated: bool,
    /// In which the reference was made that scores are held to.
    pub(crate) light: Light,
    /// Least ratio of CPU time of sharp as it is used to ours.
    pub(crate) naive_min: f64,
    /// Least ratio of CPU time of sharp at its best to ours.
    pub(crate) smart_min: Option<f64>,
}

/// All of them, in the order of the table.
pub(crate) fn jobs() -> Vec<Job> {
    let jpeg_to_webp = Job {
        key: "jpeg-webp",
        title: "12 MP JPEG → 4 WebP, same method",
        format: Format::Jpeg,
        counts: is_12_mp,
        ours: set("image/webp", &json!({"light": "gamma"})),
        theirs: set("image/webp", &json!({})),
        animated: false,
        light: Light::Gamma,
        naive_min: 2.1,
        smart_min: Some(1.4),
    };
    let to_jpeg = Job {
        ours: set("image/jpeg", &json!({"light": "gamma"})),
        theirs: set("image/jpeg", &json!({})),
        ..jpeg_to_webp.clone()
    };
    let jpeg_to_jpeg = Job {
        key: "jpeg-jpeg",
        title: "12 MP JPEG → 4 JPEG, gamma",
        naive_min: 4.0,
        smart_min: Some(2.0),
        ..to_jpeg.clone()
    };
    let linear = Job {
        key: "jpeg-jpeg-linear",
        title: "12 MP JPEG → 4 JPEG, linear light",
        ours: set("image/jpeg", &json!({"light": "linear"})),
        light: Light::Linear,
        naive_min: 3.2,
        smart_min: Some(1.6),
        ..to_jpeg
    };
    let png = Job {
        key: "png-webp",
        title: "12 MP PNG → 4 WebP",
        format: Format::Png,
        naive_min: 3.0,
        smart_min: Some(1.3),
        ..jpeg_to_webp.clone()
    };
    let avif = Job {
        key: "jpeg-avif",
        title: "12 MP JPEG → 4 AVIF, others 4 WebP",
        ours: set("image/avif", &json!({"light": "gamma", "quality": AVIF_QUALITY})),
        naive_min: 2.5,
        smart_min: Some(1.7),
        ..jpeg_to_webp.clone()
    };
    let gif = Job {
        key: "gif-webp",
        title: "GIF → animated WebP of 320",
        format: Format::Gif,
        counts: |_| true,
        ours: sized("image/webp", &[320], &json!({"animated": true, "light": "gamma"})),
        theirs: sized("image/webp", &[320], &json!({})),
        animated: true,
        naive_min: 1.5,
        smart_min: None,
        ..jpeg_to_webp.clone()
    };
    vec![jpeg_to_jpeg, linear, jpeg_to_webp, png, avif, gif]
}

/// The four sizes, in the wire form of a spec.
pub(crate) fn set(content_type: &str, more: &Value) -> Value {
    sized(content_type, &SIDES, more)
}

fn sized(content_type: &str, sides: &[u32], more: &Value) -> Value {
    let spec = |side: &u32| {
        let mut params = json!({"width": side, "height": side, "quality": QUALITY});
        for (key, value) in more.as_object().into_iter().flatten() {
            params[key] = value.clone();
        }
        json!({"name": format!("side-{side}"), "content_type": content_type, "params": params})
    };
    sides.iter().map(spec).collect()
}
