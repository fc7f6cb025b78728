//! Download URLs.

use super::{alteration::flipped, attempt::Attempt};
use crate::wire::path;
use heim_common::wire::MediaView;
use std::collections::HashSet;

/// The parts of a download URL.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    id: String,
    name: String,
    /// `e`, `v`, in private rooms `a`, and `s`, in this order.
    fields: Vec<(String, String)>,
}

impl Parts {
    fn of(url: &str) -> Self {
        let (place, query) = path(url).split_once('?').expect("it has a query");
        let [id, name] = place.strip_prefix("/media/").expect("a download").split('/').collect::<Vec<_>>()[..] else {
            panic!("{url}")
        };
        let field = |text: &str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fields = query.split('&').map(|text| field(text).expect("a field")).collect();
        Self { id: id.to_owned(), name: name.to_owned(), fields }
    }

    fn path(&self) -> String {
        let fields: Vec<_> = self.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("/media/{}/{}?{}", self.id, self.name, fields.join("&"))
    }

    fn value(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
    }

    /// With another value in a field; without the field where there is none.
    fn with(&self, field: &str, value: Option<&str>) -> Self {
        let mut altered = self.clone();
        altered.fields.retain(|(name, _)| name != field);
        if let Some(value) = value {
            let end = altered.fields.len();
            let place = self.fields.iter().position(|(name, _)| name == field).unwrap_or(end);
            altered.fields.insert(place, (field.to_owned(), value.to_owned()));
        }
        altered
    }

    /// Each field changed by itself, in ways that a reader of numbers or of
    /// base 64 might not notice, or in which fields are doubled or missing.
    fn changed(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for field in ["e", "v"] {
            let value = self.value(field).expect("it is there");
            let number: i64 = value.parse().expect("a number");
            let forms = [format!("0{value}"), format!("%2B{value}"), format!("{value}.0"), format!("-{value}")];
            let numbers = [number + 1, number - 1, 0, i64::MAX].map(|number| number.to_string());
            all.extend(forms.iter().chain(&numbers).map(|value| self.with(field, Some(value))));
        }
        let signature = self.value("s").expect("it is signed");
        for value in
            [&signature[1..], &signature[..signature.len() - 1], &format!("{signature}A"), &format!("{signature}=")]
        {
            all.push(self.with("s", Some(value)));
        }
        let fields: Vec<_> = self.fields.iter().map(|(name, _)| name.clone()).collect();
        for field in &fields {
            all.extend([self.with(field, None), self.with(field, Some(""))]);
            let mut twice = self.clone();
            twice.fields.push((field.clone(), self.value(field).unwrap_or_default().to_owned()));
            all.push(twice);
        }
        match self.value("a") {
            Some(agent) => all.extend(
                [agent.trim_end_matches("%3D").trim_end_matches('='), "agent:", "bot:"]
                    .map(|agent| self.with("a", Some(agent))),
            ),
            None => all.extend(["", "agent:AAAAAAAAAAA%3D"].map(|agent| self.with("a", Some(agent)))),
        }
        for (id, name) in [(format!("0{}", self.id), self.name.clone()), (self.id.clone(), format!("{}-", self.name))] {
            all.push(Self { id, name, ..self.clone() });
        }
        all
    }

    /// Each part taken from another URL.
    fn taken_from(&self, other: &Self) -> Vec<Self> {
        let mut all: Vec<_> = ["e", "v", "a", "s"].iter().map(|field| self.with(field, other.value(field))).collect();
        all.push(Self { id: other.id.clone(), ..self.clone() });
        all.push(Self { name: other.name.clone(), ..self.clone() });
        all
    }
}

/// All download URLs of these objects.
pub(super) fn urls(media: &[MediaView]) -> Vec<String> {
    media.iter().flat_map(|media| media.transcodings.values().map(|transcoding| transcoding.url.clone())).collect()
}

/// Every bit flipped, every field swapped with that of every other URL or
/// changed by itself.
pub(super) fn downloads(urls: &[String]) -> Vec<Attempt> {
    let all: Vec<_> = urls.iter().map(|url| Parts::of(url)).collect();
    let good: HashSet<_> = all.iter().map(|parts| decoded(parts.path().as_bytes())).collect();
    let (mut attempts, mut seen) = (Vec::new(), HashSet::new());
    let mut add = |what, path: Vec<u8>| {
        // The same URL in another spelling (RFC 3986, 6.2.2) is not altered.
        if !good.contains(&decoded(&path)) && seen.insert(path.clone()) {
            attempts.push(Attempt::new(what, "GET ", &path, b" HTTP/1.1\r\nhost: h\r\n\r\n"));
        }
    };
    for parts in &all {
        for path in flipped(parts.path().as_bytes()) {
            add("a bit of a download URL", path);
        }
        for altered in parts.changed() {
            add("a field of a download URL", altered.path().into());
        }
        for other in &all {
            for altered in parts.taken_from(other) {
                add("another's field in a download URL", altered.path().into());
            }
        }
    }
    attempts
}

/// A URL with its percent signs resolved.
fn decoded(path: &[u8]) -> Vec<u8> {
    let (mut decoded, mut rest) = (Vec::new(), path);
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.first_chunk::<2>().and_then(|digits| std::str::from_utf8(digits).ok());
        let meant = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| byte == b'%');
        decoded.push(meant.unwrap_or(byte));
        rest = if meant.is_some() { &behind[2..] } else { behind };
    }
    decoded
}
