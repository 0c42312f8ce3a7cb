//! What it costs to show an answer while an agent streams it: each piece is told to the drafts together with all that
//! was said before it, so the cost of one piece must not depend on the length of the answer.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use surfaces_bot::{core::message::DraftSink, matrix::drafts::LiveDrafts};

/// A token of a language model, about.
const PIECE: &str = "word ";

fn stream(bytes: usize) {
    let (drafts, _updates) = LiveDrafts::channel();
    let mut said = String::new();
    while said.len() < bytes {
        said.push_str(PIECE);
        drafts.draft(&said);
    }
}

fn streamed_answers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("streamed answer");
    for kibibytes in [4, 16, 64, 256, 1024] {
        let bytes = kibibytes * 1024;
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_with_input(
            BenchmarkId::from_parameter(format!("{kibibytes} KiB")),
            &bytes,
            |bencher, bytes| bencher.iter(|| stream(*bytes)),
        );
    }
    group.finish();
}

criterion_group!(benches, streamed_answers);
criterion_main!(benches);
