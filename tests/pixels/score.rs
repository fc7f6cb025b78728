//! How near a transcoding is to what the picture should look like in its size.
//! All sides are decoded by the same neutral decoder, Pillow, and held against
//! references that are made of its full decode.

use crate::{
    photos::Photo,
    reference::{Picture, resized},
    side::{Side, Who},
};
use butteraugli::{ButteraugliParams, Img, RGB8, butteraugli};
use fast_ssim2::{PixelDescriptor, PixelSlice, compute_ssimulacra2};
use heim_common::spec::Light;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

/// Both metrics of one transcoding.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Score {
    /// 100 is the same; 70 is high quality.
    pub(crate) ssimulacra2: f64,
    /// 0 is the same; the 3-norm.
    pub(crate) butteraugli: f64,
}

/// A transcoding that is to be looked at.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) file: PathBuf,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Makes references and compares; what it made once, it finds again.
pub(crate) struct Scorer {
    decoder: Side,
    folder: PathBuf,
    known: BTreeMap<String, Score>,
}

impl Scorer {
    /// Keeps its references and scores in this folder.
    pub(crate) fn open(folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).expect("the target folder can be written to");
        let known = fs::read(folder.join("scores.json")).ok();
        let known = known.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { decoder: Side::start(Who::Pillow), folder, known }
    }

    /// The score of every subject, against references in this light.
    pub(crate) fn scores(&mut self, photo: &Photo, light: Light, subjects: &[Subject]) -> Vec<Result<Score, String>> {
        let mut original = None;
        subjects.iter().map(|subject| self.score(photo, light, subject, &mut original)).collect()
    }

    /// Writes down what is known.
    pub(crate) fn save(&self) {
        let text = serde_json::to_vec(&self.known).expect("names and numbers");
        fs::write(self.folder.join("scores.json"), text).expect("the target folder can be written to");
    }

    fn score(
        &mut self,
        photo: &Photo,
        light: Light,
        subject: &Subject,
        original: &mut Option<Picture>,
    ) -> Result<Score, String> {
        let name = format!("{}-{}x{}-{light:?}", photo.key, subject.width, subject.height);
        let made = fs::read(&subject.file).map_err(|error| error.to_string())?;
        let known = format!("{name}-{:016x}", digest(&made));
        if let Some(score) = self.known.get(&known) {
            return Ok(*score);
        }
        let reference = self.reference(photo, light, subject, &name, original)?;
        let picture = self.decode(&subject.file)?;
        let score = compare(&reference, &picture)?;
        self.known.insert(known, score);
        Ok(score)
    }

    fn reference(
        &mut self,
        photo: &Photo,
        light: Light,
        subject: &Subject,
        name: &str,
        original: &mut Option<Picture>,
    ) -> Result<Picture, String> {
        let (width, height) = (subject.width as usize, subject.height as usize);
        let path = self.folder.join(format!("{name}.rgb"));
        if let Ok(rgb) = fs::read(&path) {
            return Ok(Picture { width, height, rgb });
        }
        if original.is_none() {
            *original = Some(self.decode(&photo.path)?);
        }
        let whole = original.as_ref().ok_or("there is no original")?;
        let reference = resized(whole, width, height, light);
        fs::write(path, &reference.rgb).map_err(|error| error.to_string())?;
        Ok(reference)
    }

    fn decode(&mut self, file: &Path) -> Result<Picture, String> {
        let to = self.folder.join("decoded.rgb");
        let answer = self.decoder.ask(&json!({"decode": file, "to": to}))?;
        let side = |name: &str| answer[name].as_u64().and_then(|side| usize::try_from(side).ok()).unwrap_or_default();
        let rgb = fs::read(&to).map_err(|error| error.to_string())?;
        Ok(Picture { width: side("width"), height: side("height"), rgb })
    }
}

fn compare(reference: &Picture, picture: &Picture) -> Result<Score, String> {
    if (reference.width, reference.height) != (picture.width, picture.height) {
        return Err(format!("it is {}x{}", picture.width, picture.height));
    }
    let [a, b] = [reference, picture].map(|picture| {
        let [width, height] = [picture.width, picture.height].map(|side| u32::try_from(side).unwrap_or_default());
        PixelSlice::new(&picture.rgb, width, height, picture.width * 3, PixelDescriptor::RGB8_SRGB)
    });
    let (a, b) = (a.map_err(|error| error.to_string())?, b.map_err(|error| error.to_string())?);
    let ssimulacra2 = compute_ssimulacra2(&a, &b).map_err(|error| error.to_string())?;
    let [a, b] = [reference, picture].map(|picture| {
        let pixels = picture.rgb.chunks_exact(3).map(|pixel| RGB8::new(pixel[0], pixel[1], pixel[2])).collect();
        Img::<Vec<RGB8>>::new(pixels, picture.width, picture.height)
    });
    let result = butteraugli(a.as_ref(), b.as_ref(), &ButteraugliParams::default());
    Ok(Score { ssimulacra2, butteraugli: result.map_err(|error| error.to_string())?.pnorm_3 })
}

/// Tells outputs of earlier runs from these.
fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
