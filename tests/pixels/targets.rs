//! What was promised, and whether it is so.

use crate::{
    bounds::{BesideDecode, Memory},
    figures::{geomean, least, mean},
    measure::{Measured, Row},
    side::Who,
};
use heim_common::spec::Light;

/// Bytes of ours to sharp's, at the most: those at which qualities are called equal.
const BYTES_MAX: f64 = 1.02;
/// How much lower our mean score may be.
const MEAN_BELOW: f64 = 0.3;
/// How much lower that of one picture, over its sizes, may be.
const PICTURE_BELOW: f64 = 1.5;
/// How much higher small pictures score that were made in linear light.
const LINEAR_ABOVE: f64 = 4.0;
/// Longest sides of such.
const SMALL: [u32; 2] = [320, 160];

/// One promise.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Of what.
    pub(crate) title: String,
    pub(crate) what: String,
    /// What was measured, and what it is to be.
    pub(crate) figure: String,
    pub(crate) bound: String,
    pub(crate) is_met: bool,
}

/// The promises about one thing.
struct Of(String);

impl Of {
    fn least(&self, what: impl Into<String>, figure: f64, min: f64) -> Target {
        self.target(what, format!("{figure:.2}"), format!("≥ {min:.1}"), figure >= min)
    }

    fn above(&self, what: impl Into<String>, figure: f64, min: f64) -> Target {
        self.target(what, format!("{figure:+.2}"), format!("≥ {min:+.1}"), figure >= min)
    }

    fn target(&self, what: impl Into<String>, figure: String, bound: String, is_met: bool) -> Target {
        Target { title: self.0.clone(), what: what.into(), figure, bound, is_met }
    }

    fn not_measured(&self, what: impl Into<String>, why: &str) -> Target {
        self.target(what, format!("not measured ({why})"), "–".to_owned(), false)
    }
}

/// Those of one job.
pub(crate) fn of_job(measured: &Measured) -> Vec<Target> {
    let job = &measured.job;
    let of = Of(job.title.to_owned());
    if let Some(why) = &measured.not_built {
        return vec![of.not_measured("all", why)];
    }
    let mut targets = Vec::new();
    for (who, min) in [(Who::SharpNaive, Some(job.naive_min)), (Who::SharpSmart, job.smart_min)] {
        if let Some(min) = min {
            targets.push(of.least(format!("CPU of {who} / ours"), geomean(&ratios(measured.counting(), who)), min));
        }
    }
    let bytes = geomean(&byte_ratios(measured.counting()));
    let bound = format!("≤ {BYTES_MAX}");
    targets.push(of.target("bytes, ours / sharp's", format!("{bytes:.3}"), bound, bytes <= BYTES_MAX));
    targets.extend(quality(measured, &of));
    targets
}

fn quality(measured: &Measured, of: &Of) -> Vec<Target> {
    if measured.job.light == Light::Linear {
        let above = |small: u32| mean(&gains(measured.counting(), |side| side == small));
        let target = |small| of.above(format!("ssimulacra2 over sharp's, at {small}"), above(small), LINEAR_ABOVE);
        return SMALL.map(target).into();
    }
    let all = mean(&gains(measured.counting(), |_| true));
    let pictures: Vec<f64> = measured.counting().map(|row| mean(&gains([row].into_iter(), |_| true))).collect();
    vec![
        of.above("ssimulacra2 over sharp's, mean", all, -MEAN_BELOW),
        of.above("ssimulacra2 over sharp's, worst picture", least(&pictures), -PICTURE_BELOW),
    ]
}

/// Those of what is measured beside the jobs.
pub(crate) fn of_bounds(memory: &[Memory], decode: Option<&BesideDecode>) -> Vec<Target> {
    let of = Of("Memory of a pixel child".to_owned());
    let mut targets: Vec<Target> = (memory.iter())
        .map(|Memory { title, mb_max, mb }| match mb {
            Some(mb) => of.target(*title, format!("{mb:.1} MB"), format!("≤ {mb_max:.0} MB"), mb <= mb_max),
            None => of.not_measured(*title, "there is no such file"),
        })
        .collect();
    let of = Of("Full decode by the `image` crate".to_owned());
    let what = "CPU of it alone / of a whole JPEG set";
    targets.push(match decode {
        Some(decode) => of.least(what, decode.geomean(), 1.0),
        None => of.not_measured(what, "there is no JPEG set"),
    });
    targets
}

/// CPU of another side to ours, of each file.
pub(crate) fn ratios<'a>(rows: impl Iterator<Item = &'a Row>, who: Who) -> Vec<f64> {
    rows.filter_map(|row| Some(row.of(who)?.cpu() / row.of(Who::Ours)?.cpu())).collect()
}

/// Our bytes to those of sharp as it is used, of each file.
pub(crate) fn byte_ratios<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<f64> {
    rows.filter_map(|row| Some(row.of(Who::Ours)?.bytes() / row.of(Who::SharpNaive)?.bytes())).collect()
}

/// By how much our transcodings score higher than those of sharp as it is used.
pub(crate) fn gains<'a>(rows: impl Iterator<Item = &'a Row>, of_side: impl Fn(u32) -> bool) -> Vec<f64> {
    let mut gains = Vec::new();
    for row in rows {
        let (Some(ours), Some(theirs)) = (row.of(Who::Ours), row.of(Who::SharpNaive)) else { continue };
        for ((output, ours), theirs) in ours.outputs.iter().zip(&ours.scores).zip(&theirs.scores) {
            if let (true, Some(ours), Some(theirs)) = (of_side(output.width.max(output.height)), ours, theirs) {
                gains.push(ours.ssimulacra2 - theirs.ssimulacra2);
            }
        }
    }
    gains
}
