//! Room events: publish and subscribe.

use super::BOUND;
use crate::Transport;
use heim_common::room_event::{News, RoomEvent};
use heim_queue::{Heard, Subscription};
use tokio::time::timeout;

pub(crate) fn event(seq: i64) -> RoomEvent {
    let (media, name) = ("0c1ofy7941g5c".parse().unwrap(), "thumb".parse().unwrap());
    RoomEvent { room: "welcome".parse().unwrap(), origin: "era".into(), n: 0, news: News::Media { seq, media, name } }
}

pub(crate) async fn hear(subscription: &mut Subscription) -> Heard {
    timeout(BOUND, subscription.next()).await.expect("something is heard")
}

pub(crate) async fn every_subscription_hears_everything_in_order(transport: impl Transport) {
    let (one, two) = (transport.queue().await, transport.queue().await);
    one.publish(&event(-1)).await.unwrap();
    let mut subscriptions = [one.subscribe().await, one.subscribe().await, two.subscribe().await];
    for seq in 0..100 {
        one.publish(&event(seq)).await.unwrap();
    }
    for subscription in &mut subscriptions {
        for seq in 0..100 {
            assert_eq!(hear(subscription).await, Heard::Event(event(seq)));
        }
    }
}

pub(crate) async fn who_lags_is_told(transport: impl Transport) {
    let queue = transport.queue().await;
    let (mut lagging, mut listening) = (queue.subscribe().await, queue.subscribe().await);
    for seq in 0..3000 {
        queue.publish(&event(seq)).await.unwrap();
        assert_eq!(hear(&mut listening).await, Heard::Event(event(seq)));
    }
    // The other subscription has a connection of its own: a late event shows
    // that all of them have come to it, and that it goes on.
    queue.publish(&event(3000)).await.unwrap();
    let (mut gaps, mut events) = (0, 0);
    loop {
        match hear(&mut lagging).await {
            Heard::Gap => gaps += 1,
            Heard::Event(heard) if heard == event(3000) => break,
            Heard::Event(_) => events += 1,
        }
    }
    assert!(gaps >= 1 && events < 3000, "{gaps} gaps, {events} events");
}
