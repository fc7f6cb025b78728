//! Metadata that is small in a file and huge when it is inflated.

use crate::corpus::{all, bounded_pool, read, real_child, work};
use heim_worker::{
    PixelsConfig,
    children::{Pool, Spent, Step},
};
use png::text_metadata::{EncodableTextChunk, ITXtChunk, ZTXtChunk};
use std::time::Duration;

/// What one chunk inflates to, and how many there are: half a gigabyte.
const TEXT_BYTES: usize = 8 << 20;
const CHUNKS: usize = 64;
/// More than a picture of a few pixels takes, and less than to inflate it all would.
const CPU_MAX: Duration = Duration::from_millis(300);
/// More than that of the same picture without it.
const MEMORY_MAX: u64 = 16 << 20;

fn picture() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 16, 16);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&[120; 768]).unwrap();
    file
}

/// The picture with these chunks, in the place where metadata is.
fn with(chunk: &impl EncodableTextChunk) -> Vec<u8> {
    let mut bomb = Vec::new();
    chunk.encode(&mut bomb).unwrap();
    assert!(bomb.len() < TEXT_BYTES / 50);
    let picture = picture();
    let (header, rest) = picture.split_at(8 + 25);
    [header, &bomb.repeat(CHUNKS), rest].concat()
}

async fn spent(pool: &Pool, file: &[u8]) -> Spent {
    let mut run = pool.run(work(file)).await;
    loop {
        if let Step::Done(_) = run.next().await.unwrap() {
            return run.spent().unwrap();
        }
    }
}

#[tokio::test]
async fn texts_that_inflate_to_half_a_gigabyte_cost_nothing() {
    let pool = bounded_pool(&real_child(), PixelsConfig::default());
    let text = || " ".repeat(TEXT_BYTES);
    let mut packed = ITXtChunk::new("Comment", text());
    packed.compressed = true;
    let plain = spent(&pool, &picture()).await;
    for (name, file) in [("zTXt", with(&ZTXtChunk::new("Comment", text()))), ("iTXt", with(&packed))] {
        let Spent { cpu, memory_max } = spent(&pool, &file).await;
        assert!(cpu < CPU_MAX, "{name}: {cpu:?}");
        assert!(memory_max < plain.memory_max + MEMORY_MAX, "{name}: {memory_max} bytes, {plain:?} without");
    }
}

/// It inflates to 256 MiB, of which no more than 32 MiB may be taken.
#[tokio::test]
async fn a_profile_that_inflates_without_end_is_left_out() {
    let pool = bounded_pool(&real_child(), PixelsConfig::default());
    let plain = spent(&pool, &picture()).await;
    let bomb = read("hostile", "bomb/png_iccp_256mb.png");
    let Spent { cpu, memory_max } = spent(&pool, &bomb).await;
    assert!(cpu < CPU_MAX, "{cpu:?}");
    assert!(memory_max < plain.memory_max + (64 << 20), "{memory_max} bytes, {plain:?} without");
    all(pool.run(work(&picture())).await).await.1.unwrap();
}
