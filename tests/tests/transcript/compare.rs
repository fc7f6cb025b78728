//! Where two packets differ.

use serde_json::Value;
use std::collections::BTreeSet;

/// One place in a packet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// The packet's type.
    pub(crate) packet: String,
    /// As a JSON pointer; `*` stands for any place in a list.
    pub(crate) path: String,
    /// What is there on heim.
    pub(crate) heim: Option<Value>,
    /// What is there on our server.
    pub(crate) ours: Option<Value>,
}

/// All places in which two packets differ. Lists that differ in length differ as
/// a whole.
pub(crate) fn places(heim: &Value, ours: &Value) -> Vec<Place> {
    let mut places = Vec::new();
    let packet = heim["type"].as_str().unwrap_or_default();
    walk(packet, "", (Some(heim), Some(ours)), &mut places);
    places
}

fn walk(packet: &str, path: &str, (heim, ours): (Option<&Value>, Option<&Value>), places: &mut Vec<Place>) {
    match (heim, ours) {
        (Some(Value::Object(heim)), Some(Value::Object(ours))) => {
            for key in heim.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
                walk(packet, &format!("{path}/{key}"), (heim.get(key), ours.get(key)), places);
            }
        }
        (Some(Value::Array(heim)), Some(Value::Array(ours))) if heim.len() == ours.len() => {
            for (heim, ours) in heim.iter().zip(ours) {
                walk(packet, &format!("{path}/*"), (Some(heim), Some(ours)), places);
            }
        }
        _ if heim == ours => {}
        _ => places.push(Place {
            packet: packet.to_owned(),
            path: path.to_owned(),
            heim: heim.cloned(),
            ours: ours.cloned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_says_where_it_is_and_what_is_missing() {
        let heim = json!({ "type": "who-reply", "data": { "listing": [{ "id": "x", "name": "a" }] } });
        assert_eq!(places(&heim, &heim), []);
        let ours = json!({ "type": "who-reply", "data": { "listing": [{ "id": "y" }] }, "error": null });
        let found = places(&heim, &ours);
        let paths: Vec<_> = found.iter().map(|place| place.path.as_str()).collect();
        assert_eq!(paths, ["/data/listing/*/id", "/data/listing/*/name", "/error"]);
        assert_eq!((&found[1].heim, &found[1].ours), (&Some(json!("a")), &None));
        assert_eq!((&found[2].heim, &found[2].ours), (&None, &Some(Value::Null)), "null is not absence");
        let longer = json!({ "type": "who-reply", "data": { "listing": [] } });
        assert_eq!(places(&heim, &longer)[0].path, "/data/listing");
    }
}
