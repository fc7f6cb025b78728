//! One job on all files by all sides: first once in processes of their own, for
//! the memory and for the outputs; then by turns in processes that stay, for the
//! time; then on all cores.

use crate::{
    figures::{count, median},
    jobs::Job,
    photos::Photo,
    score::{Score, Scorer, Subject},
    side::{Answer, Output, Side, Who},
};
use heim_common::header::Header;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path, thread, time::Instant};

/// How often everybody has a turn with every file.
pub(crate) const ROUNDS: usize = 5;
/// How often each core works on every file, where all of them do.
const LAPS: usize = 2;

/// What one side did with one file.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// CPU milliseconds of each iteration.
    cpu: Vec<f64>,
    pub(crate) peak_kib: u64,
    pub(crate) outputs: Vec<Output>,
    /// By output; one that has no score is not comparable.
    pub(crate) scores: Vec<Option<Score>>,
}

impl Figures {
    pub(crate) fn cpu(&self) -> f64 {
        median(&self.cpu)
    }

    pub(crate) fn bytes(&self) -> f64 {
        self.outputs.iter().map(|output| f64::from(output.bytes)).sum()
    }

    /// Its outputs, which are at this path.
    pub(crate) fn subjects(&self, path: &str) -> Vec<Subject> {
        let subject = |output: &Output| Subject {
            file: format!("{path}.{}", output.index).into(),
            width: output.width,
            height: output.height,
        };
        self.outputs.iter().map(subject).collect()
    }
}

/// One file.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) photo: Photo,
    /// In its own words where a side did not make all of it.
    pub(crate) sides: BTreeMap<Who, Result<Figures, String>>,
}

impl Row {
    pub(crate) fn of(&self, who: Who) -> Option<&Figures> {
        self.sides.get(&who).and_then(|figures| figures.as_ref().ok())
    }
}

/// One job.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) job: Job,
    pub(crate) rows: Vec<Row>,
    /// Pictures a second on all cores, of the files that count.
    pub(crate) rates: BTreeMap<Who, f64>,
    /// Why we made none of it, where this build does not know how.
    pub(crate) not_built: Option<String>,
}

impl Measured {
    /// The files that the targets are about, and that everybody has made.
    pub(crate) fn counting(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| (self.job.counts)(&row.photo) && self.is_whole(row))
    }

    /// Whether both sides of the targets have made all of it.
    pub(crate) fn is_whole(&self, row: &Row) -> bool {
        let needed: &[Who] = if self.job.smart_min.is_some() { &Who::ALL[..3] } else { &[Who::Ours, Who::SharpNaive] };
        needed.iter().all(|who| row.of(*who).is_some())
    }
}

/// Who takes part: nobody calls smart what cannot be done at once.
fn sides(job: &Job) -> impl Iterator<Item = Who> {
    Who::ALL.into_iter().filter(|who| *who != Who::SharpSmart || job.smart_min.is_some())
}

/// All of a job.
pub(crate) fn measure(job: Job, photos: &[Photo], folder: &Path) -> Measured {
    let folder = folder.join(job.key);
    fs::create_dir_all(&folder).expect("the target folder can be written to");
    let mut measured = Measured { job, rows: Vec::new(), rates: BTreeMap::new(), not_built: None };
    let job = &measured.job;
    for photo in photos.iter().filter(|photo| photo.format == job.format) {
        let first = |who: Who| once(job, photo, who, &folder);
        measured.rows.push(Row { photo: photo.clone(), sides: sides(job).map(|who| (who, first(who))).collect() });
    }
    let ours = || measured.rows.iter().map(|row| &row.sides[&Who::Ours]);
    if ours().all(Result::is_err) {
        measured.not_built = ours().find_map(|figures| figures.clone().err()).or(Some("no such file".to_owned()));
        return measured;
    }
    rounds(&mut measured);
    measured.rates = sides(&measured.job).map(|who| (who, rate(&measured, who))).collect();
    measured
}

fn order(job: &Job, photo: &Photo, who: Who, iterations: usize, out: Option<&str>) -> Value {
    let set = if who == Who::Ours { &job.ours } else { &job.theirs };
    let switches = json!({"animated": job.animated});
    json!({"file": photo.path, "set": set, "iterations": iterations, "out": out, "switches": switches})
}

fn ask(side: &mut Side, order: &Value) -> Result<Answer, String> {
    let answer = side.ask(order)?;
    serde_json::from_value(answer).map_err(|error| error.to_string())
}

/// Where its outputs of a job are, each with a point and its number at the end.
pub(crate) fn output(folder: &Path, photo: &Photo, who: Who) -> String {
    folder.join(format!("{}-{who:?}", photo.key)).display().to_string()
}

/// In a process of its own, so that its memory is this file's.
fn once(job: &Job, photo: &Photo, who: Who, folder: &Path) -> Result<Figures, String> {
    let order = order(job, photo, who, 1, Some(&output(folder, photo, who)));
    let Answer { peak_kib, mut outputs, .. } = ask(&mut Side::start(who), &order)?;
    outputs.sort_by_key(|output| output.index);
    // A still of what moves is no animation, however cheap it is.
    let moves =
        |path: String| fs::read(path).ok().and_then(|bytes| Header::read(&bytes)).is_some_and(|made| made.animated);
    if job.animated && !outputs.iter().all(|made| moves(format!("{}.{}", output(folder, photo, who), made.index))) {
        return Err("what it makes does not move".to_owned());
    }
    Ok(Figures { cpu: Vec::new(), peak_kib, outputs, scores: Vec::new() })
}

fn rounds(measured: &mut Measured) {
    let Measured { job, rows, .. } = measured;
    let mut processes: Vec<(Who, Side)> = sides(job).map(|who| (who, Side::start(who))).collect();
    for round in 0..=ROUNDS {
        for row in &mut *rows {
            // The round that warms up needs no more than the files that count.
            if round == 0 && !(job.counts)(&row.photo) {
                continue;
            }
            for (who, side) in &mut processes {
                let Some(Ok(figures)) = row.sides.get_mut(who) else { continue };
                match ask(side, &order(job, &row.photo, *who, 1, None)) {
                    Ok(answer) if round > 0 => figures.cpu.extend(answer.took.iter().map(|(cpu, _)| cpu)),
                    Ok(_) => {}
                    Err(error) => {
                        row.sides.insert(*who, Err(error));
                        *side = Side::start(*who);
                    }
                }
            }
        }
    }
}

/// Pictures a second with one process a core, each on one file after the other.
fn rate(measured: &Measured, who: Who) -> f64 {
    let files: Vec<&Photo> = measured.counting().filter(|row| row.of(who).is_some()).map(|row| &row.photo).collect();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut processes: Vec<Side> = (0..cores).map(|_| Side::start(who)).collect();
    let work = |side: &mut Side, files: &[&Photo]| {
        for photo in files {
            // What it cannot do, it has said before.
            let _ = ask(side, &order(&measured.job, photo, who, 1, None));
        }
    };
    for side in &mut processes {
        work(side, &files[..files.len().min(1)]);
    }
    let begun = Instant::now();
    thread::scope(|scope| {
        for side in &mut processes {
            scope.spawn(|| (0..LAPS).for_each(|_| work(side, &files)));
        }
    });
    count(files.len() * LAPS * cores) / begun.elapsed().as_secs_f64()
}

/// Looks at all that was made.
pub(crate) fn score(measured: &mut Measured, folder: &Path, scorer: &mut Scorer) {
    let folder = folder.join(measured.job.key);
    let light = measured.job.light;
    for row in &mut measured.rows {
        for (who, figures) in &mut row.sides {
            let Ok(figures) = figures else { continue };
            let subjects = figures.subjects(&output(&folder, &row.photo, *who));
            figures.scores = scorer.scores(&row.photo, light, &subjects).into_iter().map(Result::ok).collect();
        }
    }
    scorer.save();
}
