//! Small charts as inline SVG: lines over the parts of a time. Colours come from the
//! style sheet, so that a page needs no style of its own.

use maud::{Markup, html};
use std::fmt::Write;

const WIDTH: usize = 240;
const HEIGHT: u64 = 40;

/// A line: the name of its class, and its value in each part; none, where there is no
/// value.
pub(super) struct Line {
    pub(super) class: &'static str,
    pub(super) values: Vec<Option<u64>>,
}

/// A chart with its title, and in words what it says at most.
pub(super) fn chart(title: &str, words: &str, lines: &[Line]) -> Markup {
    let most = lines.iter().flat_map(|line| line.values.iter().flatten()).copied().max().unwrap_or(0).max(1);
    html! {
        figure .chart {
            figcaption { (title) " " span .muted { (words) } }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img"
                aria-label=(format!("{title}: {words}")) {
                @for Line { class, values } in lines { path class=(class) d=(path(values, most)) {} }
            }
        }
    }
}

/// Points that follow each other are joined; one alone is a short stroke.
fn path(values: &[Option<u64>], most: u64) -> String {
    let mut path = String::new();
    let last = values.len().saturating_sub(1).max(1);
    let mut joins = false;
    for (place, value) in values.iter().enumerate() {
        let Some(value) = value else {
            joins = false;
            continue;
        };
        let (x, y) = (place * WIDTH / last, HEIGHT - 2 - value * (HEIGHT - 4) / most);
        let _ =
            if joins { write!(path, "L{x} {y}") } else { write!(path, "M{} {y}H{}", x.saturating_sub(2), x.max(2)) };
        joins = true;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_stay_gaps() {
        assert_eq!(path(&[Some(0), Some(10), None, Some(5)], 10), "M0 38H2L80 2M238 20H240");
        assert_eq!((path(&[], 1), path(&[Some(1)], 1)), (String::new(), "M0 2H2".to_owned()));
    }
}
