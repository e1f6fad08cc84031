//! What the one line of `unsafe` saves: reading a received text again, as it is, and with a second validation at each access.

mod common;

use std::hint::black_box;
use std::str;

use common::messages;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use websocket_proto::Message;

fn text_access(criterion: &mut Criterion) {
    for len in [16, 1024, 64 * 1024] {
        let mut group = criterion.benchmark_group(format!("text_access/{len}"));
        for (kind, message) in messages(len) {
            let Message::Text(text) = message else { continue };
            group.bench_function(BenchmarkId::new("as_str", kind), |bencher| {
                bencher.iter(|| black_box(black_box(&text).as_str().len()));
            });
            group.bench_function(BenchmarkId::new("validated", kind), |bencher| {
                bencher.iter(|| black_box(str::from_utf8(black_box(&text).as_bytes()).map(str::len)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, text_access);
criterion_main!(benches);
