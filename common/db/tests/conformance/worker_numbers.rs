//! No two coordinators have one worker number.

use crate::{
    given::{LEASE, NO_LEASE},
    place::{on_both, race, tick},
};
use heim_common::id::WORKER_NUMBERS;
use std::collections::HashSet;

on_both! {
    async fn coordinators_that_start_at_once_get_different_numbers(place: &Place) {
        let numbers = race(place, 20, |db, index| async move {
            db.lease_number(&format!("era {index}"), LEASE).await.unwrap().unwrap()
        });
        assert_eq!(numbers.await.into_iter().collect::<HashSet<_>>().len(), 20);
    }

    async fn a_number_is_its_holders_until_another_takes_it(place: &Place) {
        let number = place.lease_number("first", NO_LEASE).await.unwrap().unwrap();
        assert!(place.renew_number(number, "first", NO_LEASE).await.unwrap());
        assert!(!place.renew_number(number, "second", LEASE).await.unwrap());
    }

    async fn numbers_come_back_the_longest_free_first(place: &Place) {
        let all: Vec<_> = (0..WORKER_NUMBERS).collect();
        for &number in &all {
            assert_eq!(place.lease_number("first", LEASE).await.unwrap(), Some(number));
        }
        assert_eq!(place.lease_number("second", LEASE).await.unwrap(), None);
        place.release_number(7, "first").await.unwrap();
        tick(place).await;
        place.release_number(3, "first").await.unwrap();
        tick(place).await;
        assert_eq!(place.lease_number("second", LEASE).await.unwrap(), Some(7));
        assert_eq!(place.lease_number("second", LEASE).await.unwrap(), Some(3));
        assert_eq!(place.lease_number("second", LEASE).await.unwrap(), None);
        assert!(!place.renew_number(7, "first", LEASE).await.unwrap());
    }
}
