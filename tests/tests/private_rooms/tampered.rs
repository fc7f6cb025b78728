//! Files of a private room that somebody changed in the store: whatever they
//! did, no byte is served that was not in the picture.

use crate::{
    operator::{API, Operator, admitted},
    pictures::{commented, pixel},
    wire::{Got, get, url},
};
use heim_common::{MediaId, wire::MediaView};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    sharing::{finished, share_accepted},
    standalone::Standalone,
    web::Web,
};
use std::{fs, ops::Range, path::PathBuf};

/// The form of an encrypted file, as `heim-store` documents it.
const HEADER: usize = 40;
const CHUNK: usize = 64 << 10;
const TAG: usize = 16;
const SEALED: usize = CHUNK + TAG;

/// A stored file, and the URL that serves it.
struct Target {
    media: MediaId,
    url: String,
    file: PathBuf,
    /// What is to be served.
    truth: Vec<u8>,
    /// What is in the store.
    stored: Vec<u8>,
}

impl Target {
    async fn of(heim: &Standalone, media: &MediaView, name: &str) -> Self {
        let url = url(media, name).to_owned();
        let truth = Web::default().get(&url).await.body;
        let (id, start) = (media.id.to_string(), format!("/{name}."));
        let names = heim.stored();
        let found = names.iter().find(|file| file.contains(&id) && file.contains(&start)).expect("it is stored");
        let file = heim.store().join(found);
        let stored = fs::read(&file).expect("the store is a folder");
        assert_eq!(stored.len(), HEADER + truth.len() + truth.len().div_ceil(CHUNK) * TAG, "{found}");
        Self { media: media.id, url, file, truth, stored }
    }

    /// Asks for all of it, and for these ranges, while `bytes` are in the place
    /// of its file. All of it must never come.
    async fn ask(&self, what: &str, bytes: &[u8], ranges: &[Range<usize>]) {
        fs::write(&self.file, bytes).expect("the store is a folder");
        let whole = get(&self.url, &[]).await;
        self.check(what, &whole, 0..self.truth.len());
        assert!(whole.status != 200 || !whole.is_whole(), "{what}: nobody noticed");
        for range in ranges {
            let header = format!("bytes={}-{}", range.start, range.end - 1);
            let got = get(&self.url, &[("range", &header)]).await;
            self.check(&format!("{what}, {header}"), &got, range.clone());
        }
    }

    fn check(&self, what: &str, got: &Got, range: Range<usize>) {
        let truth = &self.truth[range];
        match got.status {
            200 | 206 => {
                assert_eq!(got.length, truth.len(), "{what}");
                assert!(truth.starts_with(&got.body), "{what}: a wrong byte was served");
            }
            404 | 500..=599 => {
                assert!(got.body.starts_with(b"{") && got.is_whole(), "{what}: {got:?}");
            }
            0 => assert!(got.body.is_empty(), "{what}: {got:?}"),
            _ => panic!("{what}: {got:?}"),
        }
    }

    async fn restore(&self) {
        fs::write(&self.file, &self.stored).expect("the store is a folder");
        let got = get(&self.url, &[]).await;
        assert!(got.status == 200 && got.body == self.truth, "it is served again as it was");
    }

    /// The chunks of its file, each with its tag.
    fn chunks(&self) -> Vec<&[u8]> {
        self.stored[HEADER..].chunks(SEALED).collect()
    }

    /// Its header in front of these chunks.
    fn made_of(&self, chunks: &[&[u8]]) -> Vec<u8> {
        [&self.stored[..HEADER], &chunks.concat()].concat()
    }

    /// Ranges at the edges of chunks, at both ends, and in between.
    fn ranges(&self) -> Vec<Range<usize>> {
        let size = self.truth.len();
        let mut ranges = vec![0..1, size - 1..size, size / 2..size / 2 + 7];
        for edge in (CHUNK..size).step_by(CHUNK) {
            ranges.push(edge - 1..(edge + 1).min(size));
        }
        ranges
    }
}

struct Scene {
    heim: Standalone,
    ana: Client,
}

impl Scene {
    async fn new() -> Self {
        let heim = Standalone::with(&[API]).await;
        Operator::of(heim.base()).make_private("vault", "sesame").await;
        let ana = admitted(heim.base(), "vault", "sesame", Entrance::aware(), "ana").await;
        Self { heim, ana }
    }

    async fn share(&self, picture: Vec<u8>) -> MediaView {
        let id = share_accepted(&self.ana, picture).await;
        finished(&self.ana, id).await
    }

    /// Lines for the operator that name this object.
    fn lines_about(&self, media: MediaId) -> usize {
        let (log, id) = (self.heim.process.log(), media.to_string());
        log.lines().filter(|line| line.contains(&id) && (line.contains("ERROR") || line.contains("WARN"))).count()
    }

    async fn assert_lives(mut self, targets: &[&Target]) {
        for target in targets {
            target.restore().await;
        }
        assert!(self.heim.process.is_alive() && !self.heim.process.log().contains("panicked"));
    }
}

#[tokio::test]
async fn tampered_objects_serve_no_wrong_byte() {
    let scene = Scene::new().await;
    let media = scene.share(pixel("every bit of it")).await;
    let small = Target::of(&scene.heim, &media, "original").await;
    let range = 3..small.truth.len() - 3;
    for bit in 0..small.stored.len() * 8 {
        let mut bytes = small.stored.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        small.ask(&format!("bit {bit}"), &bytes, std::slice::from_ref(&range)).await;
    }
    for length in 0..small.stored.len() {
        small.ask(&format!("the first {length} bytes"), &small.stored[..length], &[]).await;
    }
    assert!(scene.lines_about(small.media) > 0, "nobody tells the operator which object it is");
    scene.assert_lives(&[&small]).await;
}

#[tokio::test]
async fn tampered_chunks_serve_no_wrong_byte() {
    let scene = Scene::new().await;
    let media = scene.share(corpus::read(corpus::SMALL)).await;
    let large = Target::of(&scene.heim, &media, "original").await;
    let (chunks, ranges) = (large.chunks(), large.ranges());
    assert!(chunks.len() > 4, "a picture of several chunks");
    let mut places: Vec<_> = (0..HEADER).collect();
    for (index, chunk) in chunks.iter().enumerate() {
        let start = HEADER + index * SEALED;
        places.extend(
            [0, chunk.len() / 2, chunk.len() - TAG - 1, chunk.len() - TAG, chunk.len() - 1].map(|at| start + at),
        );
    }
    for (turn, place) in places.into_iter().enumerate() {
        let mut bytes = large.stored.clone();
        bytes[place] ^= 1 << (turn % 8);
        large.ask(&format!("a bit of byte {place}"), &bytes, &ranges).await;
    }
    for edge in (HEADER..large.stored.len()).step_by(SEALED).chain([0, large.stored.len()]) {
        for length in edge.saturating_sub(TAG + 1)..=edge + TAG + 1 {
            if length < large.stored.len() && [0, 1, TAG, TAG + 1].contains(&length.abs_diff(edge)) {
                large.ask(&format!("the first {length} bytes"), &large.stored[..length], &ranges[..2]).await;
            }
        }
    }
    let last = chunks.len() - 1;
    let copy = |from: &[usize]| large.made_of(&from.iter().map(|&index| chunks[index]).collect::<Vec<_>>());
    let order: Vec<_> = (0..chunks.len()).collect();
    for first in 0..chunks.len() {
        for second in first + 1..chunks.len() {
            let mut swapped = order.clone();
            swapped.swap(first, second);
            large.ask(&format!("chunks {first} and {second} swapped"), &copy(&swapped), &ranges).await;
        }
        let without: Vec<_> = order.iter().copied().filter(|&index| index != first).collect();
        large.ask(&format!("without chunk {first}"), &copy(&without), &ranges[..1]).await;
        let mut doubled = order.clone();
        doubled.insert(first, first);
        large.ask(&format!("chunk {first} twice"), &copy(&doubled), &ranges).await;
    }
    for more in [&b"x"[..], &[0; TAG], &[0; TAG + 1], chunks[last], &large.stored] {
        large.ask(&format!("{} bytes more", more.len()), &[&large.stored, more].concat(), &ranges).await;
    }
    scene.assert_lives(&[&large]).await;
}

#[tokio::test]
async fn files_in_anothers_place_serve_no_wrong_byte() {
    let scene = Scene::new().await;
    let photo = corpus::read(corpus::SMALL);
    let media = scene.share(commented(&photo, "one")).await;
    let other = scene.share(commented(&photo, "two")).await;
    let original = Target::of(&scene.heim, &media, "original").await;
    let older = Target::of(&scene.heim, &other, "original").await;
    let thumb = Target::of(&scene.heim, &media, "thumb-320").await;
    let preview = Target::of(&scene.heim, &media, "preview-1280").await;
    let others_thumb = Target::of(&scene.heim, &other, "thumb-320").await;
    for (what, target, file) in [
        ("another object's original", &original, &older),
        ("the object before", &older, &original),
        ("a transcoding for the original", &original, &preview),
        ("the original for a transcoding", &thumb, &original),
        ("another transcoding", &thumb, &preview),
        ("the same transcoding of another object", &thumb, &others_thumb),
    ] {
        target.ask(what, &file.stored, &[0..1, 5..40]).await;
        // Nor does it help to bring the other's header, or to keep one's own.
        let spliced = [&file.stored[..HEADER], &target.stored[HEADER..]].concat();
        target.ask(&format!("{what}: its header"), &spliced, &[0..1, 5..40]).await;
        let spliced = [&target.stored[..HEADER], &file.stored[HEADER..]].concat();
        target.ask(&format!("{what}: its chunks"), &spliced, &[0..1, 5..40]).await;
        target.ask(&format!("{what}: in the clear"), &file.truth, &[0..1, 5..40]).await;
        target.ask("the truth in the clear", &target.truth, &[0..1, 5..40]).await;
        target.ask("nothing but zeros", &vec![0; target.stored.len()], &[0..1, 5..40]).await;
        target.restore().await;
    }
    for index in 0..original.chunks().len() {
        let (own, others) = (original.chunks(), older.chunks());
        let mut mixed = own;
        mixed[index] = others[index];
        original.ask(&format!("chunk {index} of another object"), &original.made_of(&mixed), &original.ranges()).await;
    }
    scene.assert_lives(&[&original, &older, &thumb, &preview, &others_thumb]).await;
}

#[tokio::test]
async fn the_operator_is_told_of_tampered_objects() {
    let scene = Scene::new().await;
    let media = scene.share(corpus::read(corpus::SMALL)).await;
    let target = Target::of(&scene.heim, &media, "original").await;
    let half = HEADER + 2 * SEALED;
    for (what, place) in [("the header", HEADER - 1), ("the first chunk", HEADER), ("a chunk behind it", half)] {
        let before = scene.lines_about(media.id);
        let mut bytes = target.stored.clone();
        bytes[place] ^= 1;
        target.ask(what, &bytes, &[]).await;
        assert!(scene.lines_about(media.id) > before, "no line names the object when {what} was altered");
    }
    let before = scene.lines_about(media.id);
    target.ask("half of the file", &target.stored[..half], &[]).await;
    assert!(scene.lines_about(media.id) > before, "no line names the object when its file was cut");
    scene.assert_lives(&[&target]).await;
}
