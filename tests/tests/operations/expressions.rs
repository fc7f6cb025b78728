//! What an expression of Prometheus mentions: as much of its grammar as the rules and
//! the dashboard use.

use heim_tests::numbers::Numbers;

/// Labels that Prometheus adds by itself, and that of buckets.
const ADDED: [&str; 2] = ["instance", "le"];

/// Where our names begin.
const OURS: &str = "heim_";

fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
}

/// Every name of ours in a text, with what stands behind it.
pub(crate) fn names(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices(OURS).filter_map(|(at, _)| {
        let is_inside = text[..at].chars().next_back().is_some_and(is_of_a_name);
        let end = text[at..].find(|letter| !is_of_a_name(letter)).map_or(text.len(), |length| at + length);
        (!is_inside).then(|| (&text[at..end], &text[end..]))
    })
}

/// The number that a name in an expression is about: a histogram has three.
pub(crate) fn number<'a>(name: &'a str, numbers: &Numbers) -> &'a str {
    let base = ["_bucket", "_sum", "_count"].iter().find_map(|ending| name.strip_suffix(ending));
    let is_histogram = |base: &&str| numbers.kinds.get(*base).is_some_and(|kind| kind == "histogram");
    base.filter(is_histogram).unwrap_or(name)
}

/// The words within the parentheses behind `by` and `on`.
fn groupings(text: &str) -> impl Iterator<Item = &str> {
    ["by (", "on ("].into_iter().flat_map(move |word| text.split(word).skip(1)).flat_map(|rest| {
        rest.split(')').next().unwrap_or_default().split(',').map(str::trim).filter(|label| !label.is_empty())
    })
}

/// Fails where an expression mentions a number, a label or a label's value that is
/// not there.
pub(crate) fn assert_there(expression: &str, numbers: &Numbers) {
    let mut known: Vec<String> = ADDED.map(str::to_owned).into();
    for (name, behind) in names(expression) {
        let name = number(name, numbers);
        assert!(numbers.kinds.contains_key(name), "nobody tells {name}: {expression}");
        let labels = numbers.labels(name);
        known.extend(labels.keys().cloned());
        let Some(matchers) = behind.strip_prefix('{').and_then(|rest| rest.split('}').next()) else { continue };
        for matcher in matchers.split(", ").filter(|matcher| !matcher.is_empty()) {
            let (label, wanted) = matcher.split_once('=').expect("a label and its value");
            let label = label.trim_end_matches('!');
            let seen = labels.get(label).unwrap_or_else(|| panic!("{name} has no label {label}: {expression}"));
            for word in wanted.trim_start_matches('~').trim_matches('"').split('|') {
                assert!(seen.contains(word), "{name} has no {label} {word:?}, only {seen:?}");
            }
        }
    }
    for label in groupings(expression) {
        assert!(known.iter().any(|it| it == label), "nothing in it has a label {label}: {expression}");
    }
}

#[test]
fn what_is_mentioned_is_found() {
    let text = "sum by (le, lane) (rate(heim_a_seconds_bucket{lane=\"bulk\"}[5m])) > on (instance) heim_b";
    assert_eq!(names(text).map(|(name, _)| name).collect::<Vec<_>>(), ["heim_a_seconds_bucket", "heim_b"]);
    assert_eq!(groupings(text).collect::<Vec<_>>(), ["le", "lane", "instance"]);
}
