//! How long it takes until everybody has what happened in their room: from the
//! instant before it is written to a coordinator until each socket has read it.

use crate::{
    cost::Processor,
    house::{House, coordinator_of, name},
    socket::MARK,
    table::Row,
};
use futures_util::future::join_all;
use heim_common::{key::ObjectKey, spec::TranscodingName, wire::TranscodedHook};
use heim_tests::{
    standalone::HOOKS,
    web::{Web, answer},
};
use reqwest::Method;
use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// Something that is told to a room.
struct Told {
    began: Instant,
    /// Whom it was told first.
    coordinator: usize,
    /// How many sockets hear it.
    receivers: usize,
}

/// What a table's rows are called.
struct Names {
    all: &'static str,
    far: &'static str,
}

/// Messages.
pub(crate) async fn messages(house: &House, at_once: usize, count: usize) -> Vec<Row> {
    let names = Names { all: "send → send-event, ms", far: "send → send-event at the other coordinator, ms" };
    let say = async |turn: usize, number| {
        let speaker = turn % house.speakers();
        let began = house.speak(speaker, number).await;
        Told { began, coordinator: coordinator_of(speaker), receivers: house.others(speaker) }
    };
    measure(house, at_once, count, &names, say).await
}

/// Media events: a store registers transcodings.
pub(crate) async fn media_events(house: &House, at_once: usize, count: usize) -> Vec<Row> {
    let names = Names { all: "hook → media event, ms", far: "hook → media event at the other coordinator, ms" };
    let web = Web::default();
    let register = async |turn: usize, number| register(house, &web, turn, number).await;
    measure(house, at_once, count, &names, register).await
}

async fn measure(
    house: &House,
    at_once: usize,
    count: usize,
    names: &Names,
    tell: impl AsyncFn(usize, usize) -> Told,
) -> Vec<Row> {
    /// A number is used once: transcodings are told apart by it.
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let (mut all, mut far, mut events) = (Vec::new(), Vec::new(), 0);
    let before = Processor::so_far(&house.fleet.coordinators);
    for round in 0..count.div_ceil(at_once) {
        let first = NEXT.fetch_add(at_once, Ordering::Relaxed);
        let told = join_all((0..at_once).map(|place| tell(round * at_once + place, first + place))).await;
        let arrivals = house.board.take(told.iter().map(|told| told.receivers).sum()).await;
        for (place, told) in told.iter().enumerate() {
            events += 1;
            let mine = || arrivals.iter().filter(|arrival| arrival.number == first + place);
            assert_eq!(mine().count(), told.receivers, "everybody hears it once");
            all.extend(mine().map(|arrival| arrival.at - told.began));
            let far_away = mine().filter(|arrival| arrival.coordinator != told.coordinator);
            far.extend(far_away.map(|arrival| arrival.at - told.began));
        }
    }
    let Processor { coordinators, clients } = Processor::so_far(&house.fleet.coordinators).since(before);
    let each = |time: Duration| time.as_secs_f64() * 1_000.0 / f64::from(events);
    let single = |what, figure| Row::single(house.place, at_once, what, figure);
    vec![
        Row::waits(house.place, at_once, names.all, &all),
        Row::waits(house.place, at_once, names.far, &far),
        single("… coordinators' processor time for each, ms", each(coordinators)),
        single("… clients' processor time for each, ms", each(clients)),
    ]
}

/// Stores one more transcoding of a picture, and registers it at either
/// coordinator in turn.
async fn register(house: &House, web: &Web, turn: usize, number: usize) -> Told {
    const BYTES: &[u8] = b"what a store holds is nothing to a coordinator";
    const VERSION: u32 = 1;
    let (room, media_id) = house.objects[turn % house.objects.len()];
    let name: TranscodingName = format!("{MARK}{number}").parse().expect("a name");
    let key = ObjectKey::transcoding(media_id, &name, VERSION);
    fs::write(house.fleet.store().join(key.as_str()), BYTES).expect("the original's folder is there");
    let size = u64::try_from(BYTES.len()).expect("a length fits");
    let content_type = "image/webp".to_owned();
    let hook = TranscodedHook {
        media_id,
        name,
        content_type,
        size,
        width: None,
        height: None,
        version: VERSION,
        description: None,
    };
    let coordinator = turn % house.fleet.coordinators.len();
    let url = format!("{}/room/{}/media", house.fleet.base(coordinator), self::name(room));
    let request = web.request(Method::POST, &url).basic_auth(HOOKS.0, Some(HOOKS.1)).json(&hook);
    let began = Instant::now();
    let answer = answer(request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    Told { began, coordinator, receivers: house.occupants(room) }
}
