//! A server receives masked messages: one frame a read, and as many as a read of 16 KiB holds.
//!
//! Times of one machine mean little; `copy` is the same bytes copied once, in the same run, to set them against. For
//! instruction counts beside other crates see `benches/compare/`.

mod common;

use std::hint::black_box;

use bytes::BytesMut;
use common::{NOW, masked, messages, open};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use websocket_proto::Role;

const READ: usize = 16 * 1024;

fn receive(criterion: &mut Criterion) {
    for len in [0, 16, 125, 1024, 64 * 1024] {
        let mut group = criterion.benchmark_group(format!("receive/{len}"));
        for (kind, message) in messages(len) {
            let frame = masked(&message);
            let batch = (READ / frame.len()).max(1);
            for (reads, count) in [("frame", 1), ("16k", batch)] {
                let bytes = frame.repeat(count);
                group.throughput(Throughput::Elements(count as u64));
                group.bench_function(BenchmarkId::new(kind, reads), |bencher| {
                    let mut server = open(Role::Server);
                    let mut input = BytesMut::with_capacity(bytes.len());
                    bencher.iter(|| {
                        input.extend_from_slice(&bytes);
                        while let Some(event) = server.poll_event(&mut input, NOW) {
                            black_box(event);
                        }
                        input.reserve(bytes.len());
                    });
                });
                if kind == "binary" {
                    group.bench_function(BenchmarkId::new("copy", reads), |bencher| {
                        let mut input = BytesMut::with_capacity(bytes.len());
                        bencher.iter(|| {
                            input.extend_from_slice(&bytes);
                            black_box(&input);
                            input.clear();
                        });
                    });
                }
            }
        }
        group.finish();
    }
}

criterion_group!(benches, receive);
criterion_main!(benches);
