//! Whether pixels are better mixed as they are stored or as light: the same sets
//! in both lights, looked at against references in both, and what the one costs
//! more than the other.

use crate::{
    bounds::by_turns,
    figures::{geomean, least, mean, most},
    jobs::{SIDES, set},
    measure::{Measured, output},
    photos::{Photo, is_12_mp},
    score::{Score, Scorer},
    side::Who,
};
use heim_common::{header::Format, spec::Light};
use serde_json::json;
use std::{fmt::Write as _, path::Path};

const LIGHTS: [Light; 2] = [Light::Gamma, Light::Linear];

/// The table, of the outputs of both jobs.
pub(crate) fn table(jobs: [&Measured; 2], photos: &[Photo], folder: &Path, scorer: &mut Scorer) -> String {
    let [gamma, linear] = jobs;
    let mut text = "### As stored or as light\n\n12 MP JPEG → 4 JPEG. Each cell: ssimulacra2 / butteraugli.\n\n\
        | made | reference |"
        .to_owned();
    for side in SIDES.iter().rev() {
        let _ = write!(text, " {side} |");
    }
    text += "\n|---|---|---|---|---|---|\n";
    for reference in LIGHTS {
        for (name, job, who) in [
            ("as stored", gamma, Who::Ours),
            ("as light", linear, Who::Ours),
            ("by sharp, naive", gamma, Who::SharpNaive),
        ] {
            let _ = write!(text, "| {name} | {} |", in_words(reference));
            let looks = looks(job, who, reference, folder, scorer);
            for side in SIDES.iter().rev() {
                let of = |figure: fn(&Score) -> f64| {
                    let figures = looks.iter().filter(|(longest, _)| longest == side);
                    mean(&figures.map(|(_, score)| figure(score)).collect::<Vec<_>>())
                };
                let _ = write!(text, " {:.2} / {:.3} |", of(|score| score.ssimulacra2), of(|score| score.butteraugli));
            }
            text += "\n";
        }
    }
    text += "\n| CPU of a set of 4 | as light / as stored: geomean (least – most) |\n|---|---|\n";
    for (name, content_type) in [("JPEG", "image/jpeg"), ("WebP", "image/webp"), ("AVIF", "image/avif")] {
        let [gamma, linear] = ["gamma", "linear"].map(|light| set(content_type, &json!({"light": light})));
        let counting = photos.iter().filter(|photo| photo.format == Format::Jpeg && is_12_mp(photo));
        let ratios: Vec<f64> = counting
            .filter_map(|photo| by_turns(photo, [&gamma, &linear]))
            .map(|[gamma, linear]| linear / gamma)
            .collect();
        let (middle, least, most) = (geomean(&ratios), least(&ratios), most(&ratios));
        let _ = writeln!(text, "| 12 MP JPEG → 4 {name} | {middle:.3} ({least:.3} – {most:.3}) |");
    }
    text + "\n"
}

fn in_words(light: Light) -> &'static str {
    match light {
        Light::Gamma => "as stored",
        Light::Linear => "as light",
    }
}

/// Each output's longest side and score, of the files that count.
fn looks(job: &Measured, who: Who, light: Light, folder: &Path, scorer: &mut Scorer) -> Vec<(u32, Score)> {
    let folder = folder.join(job.job.key);
    let mut looks = Vec::new();
    for row in job.counting() {
        let Some(figures) = row.of(who) else { continue };
        let subjects = figures.subjects(&output(&folder, &row.photo, who));
        let found = scorer.scores(&row.photo, light, &subjects);
        let sides = subjects.iter().map(|subject| subject.width.max(subject.height));
        looks.extend(sides.zip(found).filter_map(|(side, score)| Some((side, score.ok()?))));
    }
    scorer.save();
    looks
}
