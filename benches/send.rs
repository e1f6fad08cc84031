//! Both roles send messages: flushed each, and sixteen at a time. `copy` is the same payloads copied once, in the same run, to
//! set them against.

mod common;

use std::hint::black_box;

use bytes::BytesMut;
use common::{drain, messages, open};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use websocket_proto::Role;

fn send(criterion: &mut Criterion) {
    for len in [16, 125, 1024, 64 * 1024] {
        let mut group = criterion.benchmark_group(format!("send/{len}"));
        let [(_, message), ..] = messages(len);
        for (flush, count) in [("each", 1_u64), ("per 16", 16)] {
            group.throughput(Throughput::Elements(count));
            for (name, role) in [("server", Role::Server), ("client", Role::Client)] {
                group.bench_function(BenchmarkId::new(name, flush), |bencher| {
                    let mut connection = open(role);
                    let mut written = BytesMut::with_capacity(2 * len * count as usize + 1024);
                    bencher.iter(|| {
                        for _ in 0..count {
                            connection.send(message.clone()).unwrap();
                        }
                        drain(&mut connection, &mut written);
                        black_box(&written);
                        written.clear();
                    });
                });
            }
            group.bench_function(BenchmarkId::new("copy", flush), |bencher| {
                let mut written = BytesMut::with_capacity(2 * len * count as usize);
                bencher.iter(|| {
                    for _ in 0..count {
                        written.extend_from_slice(message.payload());
                    }
                    black_box(&written);
                    written.clear();
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, send);
criterion_main!(benches);
