//! An event is told when what it tells of can be had, everywhere.

use heim_common::wire::MediaEvent;
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    load::bmp,
    packets::{Heard, subject},
    sharing::{NAMES, finished},
    web::Web,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f75_what_an_event_tells_of_can_be_read_at_once_at_another_coordinator() {
    let fleet = Fleet::start(2, 2).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    let ben = Client::enter(fleet.base(1), "welcome", Entrance::aware(), "ben").await;
    let (web, here, other) = (Web::default(), fleet.base(0), fleet.base(1));
    for number in 0..12 {
        let handle = ana.upload_handle().await;
        ana.send("look", &[handle.id]).await;
        let reading = async {
            for (count, _) in NAMES.iter().enumerate() {
                // At once: in the order in which they come.
                let event = ana.heard.wait_for("the next event", |heard| {
                    let mut events = heard.iter().filter_map(Heard::media_event);
                    events.by_ref().filter(|event| subject(event).0 == handle.id).nth(count)
                });
                let MediaEvent::Available { transcoding, .. } = event.await else { panic!("nothing fails here") };
                let url = transcoding.url.replacen(here, other, 1);
                assert_ne!(url, transcoding.url);
                let (answer, view) = tokio::join!(web.get(&url), ben.media(handle.id));
                assert_eq!(answer.status, 200, "{} {answer:?}", transcoding.name);
                assert_eq!(answer.body.len() as u64, transcoding.size);
                assert!(view.transcodings.contains_key(&transcoding.name), "{view:?}");
            }
        };
        let (uploaded, ()) = tokio::join!(web.upload(&handle, bmp(number)), reading);
        assert_eq!(uploaded.status, 201);
        finished(&ben, handle.id).await;
    }
}
