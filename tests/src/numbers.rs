//! What a process tells Prometheus: its page, read as Prometheus reads it (text
//! format 0.0.4).

use crate::web::Web;
use std::collections::{BTreeMap, BTreeSet};

/// The numbers of one process at one moment.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// Of each name its kind.
    pub kinds: BTreeMap<String, String>,
    /// All lines that have a value.
    pub samples: Vec<Sample>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The name, that of a histogram with its ending.
    pub name: String,
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

impl Numbers {
    /// What the process at this address tells.
    pub async fn of(base: &str) -> Self {
        let answer = Web::default().get(&format!("{base}/metrics")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        Self::read(&String::from_utf8(answer.body).expect("the page is text"))
    }

    fn read(text: &str) -> Self {
        let mut numbers = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a name and a kind");
                numbers.kinds.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') {
                numbers.samples.push(Sample::read(line));
            }
        }
        numbers
    }

    /// The sum over all lines of this name that have these labels; `None` where
    /// there is no such line.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &&Sample| {
            sample.name == name
                && labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|it| it == value))
        };
        let mut found = self.samples.iter().filter(has).map(|sample| sample.value).peekable();
        found.peek().is_some().then(|| found.sum())
    }

    /// Of each label of a name its values. Of a histogram, `le` is none of them.
    #[must_use]
    pub fn labels(&self, name: &str) -> BTreeMap<String, BTreeSet<String>> {
        let is_histogram = self.kinds.get(name).is_some_and(|kind| kind == "histogram");
        let endings: &[&str] = if is_histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
        let names: Vec<_> = endings.iter().map(|ending| format!("{name}{ending}")).collect();
        let mut labels = BTreeMap::<_, BTreeSet<_>>::new();
        for sample in self.samples.iter().filter(|sample| names.contains(&sample.name)) {
            for (key, value) in sample.labels.iter().filter(|(key, _)| !is_histogram || *key != "le") {
                labels.entry(key.clone()).or_default().insert(value.clone());
            }
        }
        labels
    }

    /// Both pages as one, as Prometheus has them.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.kinds.extend(other.kinds);
        self.samples.extend(other.samples);
        self
    }
}

impl Sample {
    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect("a name and a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.strip_suffix('}').expect("labels end");
        // No value of ours has a comma or a quote in it.
        let labels = labels.split(',').filter(|label| !label.is_empty()).map(|label| {
            let (key, value) = label.split_once('=').expect("a label and its value");
            (key.to_owned(), value.trim_matches('"').to_owned())
        });
        let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        Self { name: name.to_owned(), labels: labels.collect(), value }
    }
}
