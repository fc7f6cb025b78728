//! Small charts as inline SVG: lines over the parts of a time, each with its name, and how
//! high they reach. Colours come from the style sheet, so that a page needs no style of its
//! own; the second line is dashed, so that nobody must tell them apart by colour.

use maud::{Markup, html};
use std::fmt::Write;

const WIDTH: usize = 240;
const HEIGHT: u64 = 40;

/// A line: the name of its class, what it shows, and its value in each part; none, where
/// there is no value.
pub(super) struct Line {
    pub(super) class: &'static str,
    pub(super) name: &'static str,
    pub(super) values: Vec<Option<u64>>,
}

/// A chart with its title, what it says in words, and the highest value, said `in_unit`.
pub(super) fn chart(title: &str, words: &str, lines: &[Line], in_unit: impl Fn(u64) -> String) -> Markup {
    let highest = lines.iter().flat_map(|line| line.values.iter().flatten()).copied().max();
    let most = highest.unwrap_or(0).max(1);
    let scale = highest.map_or_else(String::new, |highest| format!("highest {}", in_unit(highest)));
    html! {
        figure .chart {
            figcaption { (title) " " span .muted { (words) } }
            p .legend {
                // What is drawn last lies above, and comes first.
                @for Line { class, name, .. } in lines.iter().rev() {
                    span {
                        svg .swatch viewBox="0 0 20 4" aria-hidden="true" { path class=(class) d="M0 2H20" {} }
                        " " (name)
                    }
                }
                @if !scale.is_empty() { span .scale { (scale) } }
            }
            svg .lines viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img"
                aria-label=(format!("{title}: {words}; {scale}")) {
                @for Line { class, values, .. } in lines { path class=(class) d=(path(values, most)) {} }
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

    #[test]
    fn the_highest_value_is_said_and_each_line_has_its_name() {
        let line = |class, name, values| Line { class, name, values };
        let lines = [
            line("second", "p95", vec![Some(7), None, Some(1_234)]),
            line("first", "p50", vec![Some(3), None, Some(40)]),
        ];
        let shown = chart("Wait", "p50 5 ms", &lines, |ms| format!("{ms} ms")).into_string();
        assert!(shown.contains("highest 1234 ms<") && shown.contains("aria-label=\"Wait: p50 5 ms; highest 1234 ms\""));
        let (p50, p95) = (shown.find("> p50<").expect("named"), shown.find("> p95<").expect("named"));
        assert!(p50 < p95 && shown.matches("class=\"second\" d=").count() == 2, "a line and its swatch: {shown}");
        // The highest point is where the scale ends.
        assert!(shown.contains("L240 2\"") || shown.contains("M238 2H240"), "{shown}");
        let nothing = chart("Run", "", &[line("first", "p50", vec![None])], |ms| format!("{ms} ms")).into_string();
        assert!(!nothing.contains("highest"), "{nothing}");
    }
}
