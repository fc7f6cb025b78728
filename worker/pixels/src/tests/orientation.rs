//! All eight EXIF orientations of one photo look the same.

use super::{corpus, distance, show};

#[test]
fn all_eight_orientations_come_out_the_same() {
    let shown = |number: u8| show(&corpus::read(&format!("photos/orientation/Landscape_{number}.jpg")), 320);
    let upright = shown(1);
    assert_eq!((upright.size, upright.description.width, upright.description.height), ((320, 213), 1800, 1200));
    for number in 2..=8 {
        let turned = shown(number);
        assert_eq!((turned.description.width, turned.description.height), (1800, 1200), "orientation {number}");
        let apart = distance(&upright, &turned);
        assert!(apart < 4.0, "orientation {number} is {apart} apart");
    }
}

#[test]
fn every_container_that_can_say_so_is_turned() {
    let webp = show(&corpus::read("photos/webp10_nikonp7000_or6.webp"), 160);
    assert_eq!((webp.size, webp.description.width, webp.description.height), ((120, 160), 2736, 3648));
    let jpeg = show(&corpus::read("photos/j16_leicaT_422_or8.jpg"), 160);
    assert_eq!(jpeg.description.width, 3264);
}
