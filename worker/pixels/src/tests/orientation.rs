//! Whatever EXIF says of the orientation, in whichever container: turned upright, a
//! photo looks like itself.

use super::{Shown, corpus, distance, show};

fn photo(name: &str) -> Shown {
    show(&corpus::read(&format!("photos/orientation/{name}.jpg")), 320)
}

#[test]
fn all_eight_orientations_come_out_the_same() {
    let upright = photo("Landscape_1");
    assert_eq!((upright.size, upright.description.width, upright.description.height), ((320, 213), 1800, 1200));
    // There is no orientation 0: such a photo stays as it lies.
    for number in [0, 2, 3, 4, 5, 6, 7, 8] {
        let turned = photo(&format!("Landscape_{number}"));
        assert_eq!((turned.description.width, turned.description.height), (1800, 1200), "orientation {number}");
        let apart = distance(&upright, &turned);
        assert!(apart < 4.0, "orientation {number} is {apart} apart");
    }
}

#[test]
fn a_portrait_stands_whichever_way_the_camera_was_held() {
    let [clockwise, counter_clockwise] = ["Portrait_6", "Portrait_8"].map(photo);
    for shown in [&clockwise, &counter_clockwise] {
        assert_eq!((shown.size, shown.description.width, shown.description.height), ((213, 320), 1200, 1800));
    }
    let apart = distance(&clockwise, &counter_clockwise);
    assert!(apart < 4.0, "{apart}");
}

/// A picture as it lies in a file, turned as EXIF defines its numbers: where the first
/// row and the first column of what lies there are to be seen.
fn turned(lying: Shown, number: u32) -> Shown {
    let (w, h) = lying.size;
    let from = |x: u32, y: u32| match number {
        1 => (x, y),
        2 => (w - 1 - x, y),
        3 => (w - 1 - x, h - 1 - y),
        5 => (y, x),
        6 => (y, h - 1 - x),
        8 => (w - 1 - y, x),
        other => panic!("there is no file of the orientation {other}"),
    };
    let size = if number < 5 { (w, h) } else { (h, w) };
    let stored = lying.rgba.as_chunks::<4>().0;
    let places = (0..size.1).flat_map(|y| (0..size.0).map(move |x| (x, y)));
    let rgba = places.map(|(x, y)| from(x, y)).flat_map(|(x, y)| stored[(y * w + x) as usize]).collect();
    Shown { size, rgba, description: lying.description }
}

#[test]
fn every_container_is_turned_as_its_twin_without_exif_would_be() {
    for (file, twin, number) in [
        ("orient_2.png", "base_png.png", 2),
        ("orient_5.png", "base_png.png", 5),
        ("orient_3.webp", "base_webp.webp", 3),
        ("orient_5.webp", "base_webp.webp", 5),
        ("orient_6.webp", "base_webp.webp", 6),
        ("orient_8.jpg", "base_jpg.jpg", 8),
        // What is no number of EXIF's turns nothing.
        ("orient_bad_0.jpg", "base_jpg.jpg", 1),
        ("orient_bad_255.jpg", "base_jpg.jpg", 1),
        ("orient_bad_65535.jpg", "base_jpg.jpg", 1),
    ] {
        let shown = show(&corpus::read(&format!("hostile/meta/{file}")), 120);
        let twin = show(&corpus::read(&format!("hostile/valid/{twin}")), 120);
        assert_eq!((twin.size, twin.description.width, twin.description.height), ((120, 80), 120, 80));
        let (width, height) = (shown.description.width, shown.description.height);
        let twin = turned(twin, number);
        assert_eq!((shown.size, width, height), (twin.size, twin.size.0, twin.size.1), "{file}");
        let apart = distance(&twin, &shown);
        // A wrong turn is 70 apart or more.
        assert!(apart < 6.0, "{file} is {apart} apart");
    }
}

#[test]
fn photos_of_cameras_stand_as_they_were_taken() {
    let webp = show(&corpus::read("photos/webp10_nikonp7000_or6.webp"), 160);
    assert_eq!((webp.size, webp.description.width, webp.description.height), ((120, 160), 2736, 3648));
    let jpeg = show(&corpus::read("photos/j16_leicaT_422_or8.jpg"), 160);
    assert_eq!(jpeg.description.width, 3264);
}
