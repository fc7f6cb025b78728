//! The transcodings themselves: order, sizes, no metadata, always the same.

mod corpus;

use heim_common::{
    header::Format,
    media::{Description, PLACEHOLDER_BYTES_MAX},
    spec::{Fit, Focus, Light, OutputType, Params, TranscodingSpec, default_specs},
};
use heim_pixels::{Limits, Transcoder, can_write};
use std::time::{Duration, Instant};

/// Index, width, height and bytes.
type Made = (usize, u32, u32, Vec<u8>);

fn make(transcoder: &mut Transcoder, original: &[u8]) -> (Vec<Made>, Description) {
    make_by(transcoder, original, &default_specs())
}

fn make_by(transcoder: &mut Transcoder, original: &[u8], specs: &[TranscodingSpec]) -> (Vec<Made>, Description) {
    let limits = Limits { pixels_max: 300_000_000, ..Limits::until(Instant::now() + Duration::from_mins(1)) };
    let mut made = Vec::new();
    let mut described = None;
    let description = transcoder
        .run(original, specs, &limits, &mut |output| {
            made.push((output.index, output.width, output.height, output.bytes.to_vec()));
            described = Some(output.description.clone());
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(described.as_ref(), Some(&description));
    (made, description)
}

fn sizes(made: &[Made]) -> Vec<(usize, u32, u32)> {
    made.iter().map(|(index, width, height, _)| (*index, *width, *height)).collect()
}

/// Names of the chunks of a WebP file.
fn chunks(webp: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut at = 12;
    while let Some(header) = webp.get(at..at + 8) {
        names.push(String::from_utf8_lossy(&header[..4]).into_owned());
        let len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        at += 8 + len + len % 2;
    }
    names
}

#[test]
fn outputs_come_smallest_first_within_their_boxes() {
    let (made, description) = make(&mut Transcoder::new(), &corpus::read("photos/j12_nexus6p_420_sRGB.jpg"));
    assert_eq!(sizes(&made), [(0, 160, 120), (1, 320, 240), (2, 640, 480), (3, 1280, 960)]);
    assert!(made.is_sorted_by_key(|one| one.3.len()));
    assert_eq!((description.width, description.height, description.frames), (4032, 3024, 1));
    assert!(!description.alpha);
    assert!((5..=PLACEHOLDER_BYTES_MAX).contains(&description.placeholder.0.len()));
}

#[test]
fn nothing_is_enlarged_and_no_side_vanishes() {
    let mut transcoder = Transcoder::new();
    let mut of = |file: &str| sizes(&make(&mut transcoder, &corpus::read(file)).0);
    assert_eq!(of("hostile/valid/base_jpg.jpg"), [(0, 120, 80), (1, 120, 80), (2, 120, 80), (3, 120, 80)]);
    assert_eq!(of("hostile/valid/png_1x1.png"), [(0, 1, 1), (1, 1, 1), (2, 1, 1), (3, 1, 1)]);
    assert_eq!(of("hostile/valid/jpg_1x65500.jpg"), [(0, 1, 160), (1, 1, 320), (2, 1, 640), (3, 1, 1280)]);
    assert_eq!(of("hostile/valid/webp_16383x1.webp"), [(0, 160, 1), (1, 320, 1), (2, 640, 1), (3, 1280, 1)]);
}

/// Every kind of output, each with every effort, in both lights.
fn every_kind() -> Vec<TranscodingSpec> {
    let mut specs = Vec::new();
    let all = [OutputType::Webp, OutputType::Jpeg, OutputType::Png, OutputType::Avif];
    for content_type in all.into_iter().filter(|output| can_write(*output)) {
        for effort in 0..=content_type.effort_max() {
            let light = if effort % 2 == 0 { Light::Gamma } else { Light::Linear };
            let params = Params { effort: Some(effort), light, ..Params::of_box(64, 64) };
            specs.push(TranscodingSpec {
                name: format!("kind-{}", specs.len()).parse().expect("a name"),
                content_type,
                params,
            });
        }
    }
    specs
}

#[test]
fn outputs_are_of_their_type_and_carry_no_metadata() {
    let specs = every_kind();
    for file in ["photos/j12_dog_420_or6.jpg", "photos/webp10_nikonp7000_or6.webp", "hostile/valid/png_RGBA.png"] {
        let (made, _) = make_by(&mut Transcoder::new(), &corpus::read(file), &specs);
        assert_eq!(made.len(), specs.len());
        for (index, _, _, bytes) in made {
            let of = format!("{file} by {:?}", specs[index]);
            assert_eq!(Format::sniff(&bytes), Some(specs[index].content_type.format()), "{of}");
            if specs[index].content_type == OutputType::Webp {
                for name in chunks(&bytes) {
                    assert!(["VP8 ", "VP8X", "ALPH"].contains(&name.as_str()), "{of}: {name}");
                }
            }
            for trace in [
                b"Exif".as_slice(),
                b"EXIF",
                b"ICCP",
                b"ICC_",
                b"XMP ",
                b"http://ns.adobe.com",
                b"eXIf",
                b"tEXt",
                b"mime",
            ] {
                assert!(!bytes.windows(trace.len()).any(|window| window == trace), "{of}");
            }
            if specs[index].content_type == OutputType::Jpeg {
                // JFIF's own segment, and then the tables.
                assert!(
                    bytes[2..4] == *b"\xff\xe0" && bytes[6..10] == *b"JFIF" && bytes[20..22] == *b"\xff\xdb",
                    "{of}"
                );
            }
        }
    }
}

/// What nobody may find in an output: it stands in each piece of metadata below.
const PLANTED: &[u8] = b"planted-by-a-camera";
const XMP: &str = "<x:xmpmeta xmlns:x='adobe:ns:meta/'>planted-by-a-camera</x:xmpmeta>";

fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len() + 2).expect("it is short").to_be_bytes();
    [[0xff, marker].as_slice(), &len, payload].concat()
}

/// With XMP, IPTC in a block of Photoshop's, and a comment.
fn planted_jpeg() -> Vec<u8> {
    let photo = corpus::read("hostile/valid/base_jpg.jpg");
    let len = [u8::try_from(PLANTED.len()).expect("it is short")];
    let caption = [b"\x1c\x02\x78\0".as_slice(), &len, PLANTED].concat();
    let block = u32::try_from(caption.len()).expect("it is short").to_be_bytes();
    let photoshop = [b"Photoshop 3.0\x008BIM\x04\x04\0\0".as_slice(), &block, &caption].concat();
    let xmp = [b"http://ns.adobe.com/xap/1.0/\0".as_slice(), XMP.as_bytes()].concat();
    let (head, rest) = photo.split_at(20);
    [head, &segment(0xe1, &xmp), &segment(0xed, &photoshop), &segment(0xfe, PLANTED), rest].concat()
}

fn planted_png() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 90, 60);
    encoder.set_color(png::ColorType::Rgb);
    let comment = String::from_utf8_lossy(PLANTED).into_owned();
    encoder.add_text_chunk("Comment".to_owned(), comment).expect("a text");
    encoder.add_itxt_chunk("XML:com.adobe.xmp".to_owned(), XMP.to_owned()).expect("a text");
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&[90; 90 * 60 * 3]));
    written.expect("a picture");
    file
}

/// An extended file around a simple one, with EXIF and XMP behind the picture.
fn planted_webp() -> Vec<u8> {
    let simple = corpus::read("hostile/valid/base_webp.webp");
    assert_eq!(&simple[12..16], b"VP8 ");
    let chunk = |name: &[u8], payload: &[u8]| {
        let len = u32::try_from(payload.len()).expect("it is short").to_le_bytes();
        [name, &len, payload, &b"\0"[..payload.len() % 2]].concat()
    };
    let extended = chunk(b"VP8X", &[0x0c, 0, 0, 0, 119, 0, 0, 79, 0, 0]);
    let metadata = [chunk(b"EXIF", PLANTED), chunk(b"XMP ", XMP.as_bytes())].concat();
    chunk(b"RIFF", &[b"WEBP".as_slice(), &extended, &simple[12..], &metadata].concat())
}

/// With a comment and with XMP, before either of its frames.
fn planted_gif() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, 90, 60, &[200, 30, 30, 30, 30, 200]).expect("a canvas");
    for color in [0, 1] {
        encoder.write_raw_extension(gif::AnyExtension(0xfe), &[PLANTED]).expect("a block");
        encoder
            .write_raw_extension(gif::AnyExtension(0xff), &[b"XMP DataXMP".as_slice(), XMP.as_bytes()])
            .expect("a block");
        let frame = gif::Frame::from_indexed_pixels(90, 60, vec![color; 90 * 60], None);
        encoder.write_frame(&gif::Frame { delay: 10, ..frame }).expect("a frame");
    }
    drop(encoder);
    file
}

#[test]
fn nothing_that_is_planted_in_metadata_is_in_an_output() {
    let is_planted = |bytes: &[u8]| bytes.windows(PLANTED.len()).any(|window| window == PLANTED);
    let mut specs = every_kind();
    specs.push(TranscodingSpec {
        name: "moving".parse().unwrap(),
        content_type: OutputType::Webp,
        params: Params { animated: true, ..Params::of_box(64, 64) },
    });
    for (of, file) in
        [("JPEG", planted_jpeg()), ("PNG", planted_png()), ("WebP", planted_webp()), ("GIF", planted_gif())]
    {
        assert!(is_planted(&file), "{of}");
        let (made, _) = make_by(&mut Transcoder::new(), &file, &specs);
        assert_eq!(made.len(), specs.len(), "{of}");
        for (index, _, _, bytes) in made {
            assert!(!is_planted(&bytes), "{of} by {:?}", specs[index]);
        }
    }
}

#[test]
fn a_cut_picture_shows_its_focus() {
    let left_and_right = |x: u32| if x < 200 { [200, 30, 30] } else { [30, 30, 200] };
    let mut photo = Vec::new();
    let mut encoder = png::Encoder::new(&mut photo, 400, 100);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = (0..100).flat_map(|_| (0..400).flat_map(left_and_right)).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    let avatar = |x: f64| {
        let focus = Focus { x: x.try_into().unwrap(), y: 0.5.try_into().unwrap() };
        let params = Params { fit: Fit::Cover, focus: Some(focus), ..Params::of_box(50, 50) };
        let spec = TranscodingSpec { name: "avatar".parse().unwrap(), content_type: OutputType::Png, params };
        let (made, _) = make_by(&mut Transcoder::new(), &photo, &[spec]);
        let [(0, 50, 50, png)] = &made[..] else { panic!("one avatar of 50 x 50") };
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; 50 * 50 * 3];
        reader.next_frame(&mut pixels).unwrap();
        pixels
    };
    assert!(avatar(0.0).as_chunks::<3>().0.iter().all(|&[r, _, b]| r > 190 && b < 40));
    assert!(avatar(1.0).as_chunks::<3>().0.iter().all(|&[r, _, b]| r < 40 && b > 190));
    let middle = avatar(0.5);
    assert!(middle[0] > 190 && middle[49 * 3] < 40, "the border is in the middle");
}

#[test]
fn the_same_original_gives_the_same_bytes_whatever_came_before() {
    let mut used = Transcoder::new();
    let photo = corpus::read("photos/j8_ultrahdr_420.jpg");
    let first = make(&mut used, &photo);
    for other in ["photos/gif_earth_400_44f.gif", "photos/webp10_nikonp7000_or6.webp", "hostile/valid/png_RGBA.png"] {
        let other = corpus::read(other);
        assert_eq!(make(&mut used, &other), make(&mut Transcoder::new(), &other));
    }
    assert_eq!(make(&mut used, &photo), first);
}

#[test]
fn without_specs_there_is_still_a_description() {
    let limits = Limits { pixels_max: 1_000_000, ..Limits::until(Instant::now() + Duration::from_mins(1)) };
    let photo = corpus::read("hostile/valid/base_png.png");
    let description = Transcoder::new().run(&photo, &[], &limits, &mut |_| panic!("nothing was asked for")).unwrap();
    assert_eq!((description.width, description.height), (120, 80));
}
