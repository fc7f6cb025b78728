//! Bodies that are not as long as they say, or do not say, or are wrapped.

use heim_common::{media::MediaState, wire::UploadHandle};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    raw::{Raw, upload_head},
    sharing::finished,
    standalone::Standalone,
    truth,
    until::until,
    web::Answer,
};

const UPLOAD_MAX: usize = 1_000_000;

/// What is wrong, the headers, the body, and how it is refused.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Vec<u8>, (u16, &'a str));

/// Sends head and body by hand, and reads what is answered. If the body is too
/// short, it also says that nothing more comes.
async fn put(heim: &Standalone, handle: &UploadHandle, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
    let mut raw = Raw::connect(heim.base()).await;
    raw.write(upload_head(handle, headers)).await;
    raw.write(body).await;
    let announced = headers.iter().find(|(name, _)| *name == "Content-Length");
    if announced.is_some_and(|(_, length)| length.parse::<usize>().is_ok_and(|length| length > body.len())) {
        raw.finish().await;
    }
    raw.answer().await
}

fn chunked(body: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat()
}

#[tokio::test]
async fn f23_a_body_that_is_not_as_announced_is_refused_and_not_stored() {
    let heim = Standalone::with(&[("limits.upload_bytes_max", &UPLOAD_MAX.to_string())]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let photo = corpus::read(corpus::SMALL);
    let (length, longer) = (photo.len().to_string(), (photo.len() + 1).to_string());
    let refused: [Case<'_>; 8] = [
        ("shorter than announced", &[("Content-Length", &longer)], photo.clone(), (400, "incomplete-upload")),
        ("nothing", &[("Content-Length", "0")], Vec::new(), (400, "empty-upload")),
        ("over the limit", &[("Content-Length", "1000001")], photo.clone(), (413, "too-large")),
        ("no length", &[], Vec::new(), (411, "length-required")),
        ("chunked", &[("Transfer-Encoding", "chunked")], chunked(&photo), (411, "length-required")),
        (
            "chunked, and with a length",
            &[("Transfer-Encoding", "chunked"), ("Content-Length", &length)],
            chunked(&photo),
            (411, "length-required"),
        ),
        (
            "compressed",
            &[("Content-Length", &length), ("Content-Encoding", "gzip")],
            photo.clone(),
            (415, "unsupported-encoding"),
        ),
        (
            "compressed on the way",
            &[("Content-Length", &length), ("Content-Encoding", "identity, br")],
            photo.clone(),
            (415, "unsupported-encoding"),
        ),
    ];
    for (what, headers, body, expected) in refused {
        let handle = ana.upload_handle().await;
        let answer = put(&heim, &handle, headers, &body).await.unwrap_or_else(|| panic!("{what}: no answer"));
        let (status, code) = answer.refusal();
        assert_eq!((status, code.as_str()), expected, "{what}");
        until("nothing of it is in the store", async || heim.stored().is_empty().then_some(())).await;
    }
    let rows = truth::rows(&heim.database().await).await;
    assert!(!rows.contains("original") && !rows.contains("job"), "{rows}");
}

#[tokio::test]
async fn f23_bytes_behind_the_announced_length_are_no_part_of_the_upload() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let (handle, photo) = (ana.upload_handle().await, corpus::read(corpus::SMALL));
    let longer = [photo.as_slice(), &[b'x'; 5_000]].concat();
    let answer = put(&heim, &handle, &[("Content-Length", &photo.len().to_string())], &longer).await;
    assert_eq!(answer.map(|answer| answer.status), Some(201));
    let media = finished(&ana, handle.id).await;
    assert_eq!((media.state, media.size), (MediaState::Ready, Some(photo.len() as u64)));
}

#[tokio::test]
async fn f23_who_asks_first_is_told_to_go_on_or_is_refused_before_the_body() {
    let heim = Standalone::with(&[("limits.upload_bytes_max", &UPLOAD_MAX.to_string())]).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let (handle, photo) = (ana.upload_handle().await, corpus::read(corpus::SMALL));
    let expect = ("Expect", "100-continue");
    let mut raw = Raw::connect(heim.base()).await;
    raw.write(upload_head(&handle, &[expect, ("Content-Length", &photo.len().to_string())])).await;
    assert_eq!(raw.answer().await.map(|answer| answer.status), Some(100));
    raw.write(&photo).await;
    assert_eq!(raw.answer().await.map(|answer| answer.status), Some(201));
    assert_eq!(finished(&ana, handle.id).await.state, MediaState::Ready);
    for (length, expected) in [("1000001", (413, "too-large")), ("100", (409, "already-uploaded"))] {
        let asked = if length == "100" { handle.clone() } else { ana.upload_handle().await };
        let mut raw = Raw::connect(heim.base()).await;
        raw.write(upload_head(&asked, &[expect, ("Content-Length", length)])).await;
        let (status, code) = raw.answer().await.expect("an answer without any body").refusal();
        assert_eq!((status, code.as_str()), expected);
    }
}
