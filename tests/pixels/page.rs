//! The figures as text: a page for people, of which the part between two marks
//! is written here.

use crate::{
    figures::{geomean, least, mean, most},
    measure::{Figures, Measured, Row},
    score::Score,
    side::Who,
    targets::{self, Target},
};
use std::{fmt::Write as _, fs, path::Path};

const BEGIN: &str = "<!-- written by make bench-pixels: begin -->\n";
const END: &str = "<!-- written by make bench-pixels: end -->\n";

/// What was promised, and what came of it.
pub(crate) fn of_targets(targets: &[Target]) -> String {
    let mut text = "### Targets\n\n| | | measured | target | |\n|---|---|---|---|---|\n".to_owned();
    let mut before = "";
    for Target { title, what, figure, bound, is_met } in targets {
        let shown = if title == before { "" } else { title.as_str() };
        let _ = writeln!(text, "| {shown} | {what} | {figure} | {bound} | {} |", if *is_met { "✓" } else { "✗" });
        before = title;
    }
    text + "\n"
}

/// One job.
pub(crate) fn of_job(measured: &Measured) -> String {
    let title = measured.job.title;
    match &measured.not_built {
        Some(why) => format!("### {title}\n\nNot built: {why}.\n\n"),
        None => format!("### {title}\n\n{}{}", of_sides(measured), of_files(measured)),
    }
}

/// Who took what, over the files that count.
fn of_sides(measured: &Measured) -> String {
    let files = measured.counting().count();
    let mut text = format!(
        "Of {files} files that count:\n\n| | CPU ms | CPU / ours: geomean (least – most) | pictures/s | peak RSS MiB | bytes | ssimulacra2 | butteraugli |\n\
         |---|---|---|---|---|---|---|---|\n"
    );
    for who in Who::ALL {
        let rows: Vec<&Row> = measured.counting().filter(|row| row.of(who).is_some()).collect();
        if rows.is_empty() {
            continue;
        }
        let of =
            |figure: fn(&Figures) -> f64| rows.iter().filter_map(|row| row.of(who)).map(figure).collect::<Vec<_>>();
        let ratios = targets::ratios(rows.iter().copied(), who);
        let scores = |figure: fn(&Score) -> f64| {
            let figures = rows.iter().filter_map(|row| row.of(who));
            mean(&figures.flat_map(|figures| figures.scores.iter().flatten()).map(figure).collect::<Vec<_>>())
        };
        let _ = writeln!(
            text,
            "| {who} | {:.1} | {:.2} ({:.2} – {:.2}) | {:.1} | {:.0} | {:.0} | {:.2} | {:.3} |",
            geomean(&of(Figures::cpu)),
            geomean(&ratios),
            least(&ratios),
            most(&ratios),
            measured.rates.get(&who).copied().unwrap_or(f64::NAN),
            most(&of(|figures| mib(figures.peak_kib))),
            geomean(&of(Figures::bytes)),
            scores(|score| score.ssimulacra2),
            scores(|score| score.butteraugli),
        );
    }
    text + "\n"
}

/// Every file, also those that do not count or that somebody refused.
fn of_files(measured: &Measured) -> String {
    let mut text = "| file | MP | ours ms | naive / ours | smart / ours | Pillow / ours | bytes / naive's | ssimulacra2 over naive's | RSS MiB |\n\
                    |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for row in &measured.rows {
        let counts = if (measured.job.counts)(&row.photo) { "**" } else { "" };
        let ratio = |who| match (row.of(who), row.of(Who::Ours), row.sides.get(&who)) {
            (Some(theirs), Some(ours), _) => format!("{:.2}", theirs.cpu() / ours.cpu()),
            (_, _, Some(Err(_))) => "refused".to_owned(),
            _ => "–".to_owned(),
        };
        let one = || [row].into_iter();
        let number = |figures: &[f64], digits: usize| match figures {
            [] => "–".to_owned(),
            figures => format!("{:.digits$}", mean(figures)),
        };
        let ours = match &row.sides[&Who::Ours] {
            Ok(figures) => format!("{:.1}", figures.cpu()),
            Err(error) => error.replace('|', "/"),
        };
        let _ = writeln!(
            text,
            "| {counts}{}{counts} | {:.0} | {ours} | {} | {} | {} | {} | {} | {} |",
            row.photo.name,
            mega(row.photo.pixels),
            ratio(Who::SharpNaive),
            ratio(Who::SharpSmart),
            ratio(Who::Pillow),
            number(&targets::byte_ratios(one()), 3),
            number(&targets::gains(one(), |_| true), 2),
            row.of(Who::Ours).map_or("–".to_owned(), |figures| format!("{:.0}", mib(figures.peak_kib))),
        );
    }
    let all: Vec<&Row> = measured.rows.iter().filter(|row| measured.is_whole(row)).collect();
    let _ = write!(text, "\nOf all {} that were made:", all.len());
    for (name, who) in [("naive", Who::SharpNaive), ("smart", Who::SharpSmart), ("Pillow", Who::Pillow)] {
        let ratios = targets::ratios(all.iter().copied(), who);
        if !ratios.is_empty() {
            let _ = write!(text, " {name} / ours {:.2},", geomean(&ratios));
        }
    }
    let _ = write!(text, " bytes {:.3} of naive's.\n\n", geomean(&targets::byte_ratios(all.iter().copied())));
    text
}

/// Puts the tables into the page, in place of those that are in it.
pub(crate) fn write(page: &Path, tables: &str) {
    let text = fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let place = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = place.unwrap_or_else(|| panic!("{}: the marks are missing", page.display()));
    fs::write(page, format!("{before}{BEGIN}\n{tables}\n{END}{after}")).expect("the page can be written");
}

fn mib(kib: u64) -> f64 {
    u32::try_from(kib).map_or(f64::INFINITY, f64::from) / 1024.0
}

fn mega(pixels: u64) -> f64 {
    u32::try_from(pixels / 1_000).map_or(f64::INFINITY, f64::from) / 1e3
}
