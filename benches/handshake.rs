//! The opening handshake of both sides, from nothing to open. `sha1` is the one hash that each side cannot do without, in the
//! same run, to set it against.

mod common;

use std::hint::black_box;
use std::sync::Arc;

use bytes::BytesMut;
use common::{NOW, drain};
use criterion::{Criterion, criterion_group, criterion_main};
use sha1::{Digest, Sha1};
use websocket_proto::{Accept, ClientRequest, Config, Connection, Event, OriginPolicy};

fn handshake(criterion: &mut Criterion) {
    let config = Arc::new(Config::default());
    let accept = Accept::new(OriginPolicy::SameHost);
    let request = ClientRequest::new("localhost:9001", "/chat")
        .and_then(|request| request.origin("http://localhost:9001"))
        .and_then(|request| request.header("User-Agent", "benchmark"))
        .and_then(|request| request.header("Accept-Language", "en-GB,en;q=0.9"))
        .unwrap();

    let (mut asked, mut answered) = (BytesMut::new(), BytesMut::new());
    drain(&mut Connection::client(&request, config.clone(), [7; 32], NOW), &mut asked);
    let serve = |asked: &BytesMut, answered: &mut BytesMut| {
        let mut server = Connection::server(config.clone(), [7; 32], NOW);
        let event = server.poll_event(&mut asked.clone(), NOW);
        assert!(matches!(event, Some(Event::Request(_))));
        server.accept(&accept, NOW).unwrap();
        drain(&mut server, answered);
    };
    serve(&asked, &mut answered);

    let mut group = criterion.benchmark_group("handshake");
    group.bench_function("server", |bencher| {
        let mut answer = BytesMut::with_capacity(1024);
        bencher.iter(|| {
            serve(&asked, &mut answer);
            black_box(&answer);
            answer.clear();
        });
    });
    group.bench_function("client", |bencher| {
        let mut question = BytesMut::with_capacity(1024);
        bencher.iter(|| {
            let mut client = Connection::client(&request, config.clone(), [7; 32], NOW);
            drain(&mut client, &mut question);
            let event = client.poll_event(&mut answered.clone(), NOW);
            assert!(matches!(black_box(event), Some(Event::Open(_))));
            question.clear();
        });
    });
    group.bench_function("sha1", |bencher| {
        bencher.iter(|| Sha1::digest(black_box([b'k'; 60])));
    });
    group.finish();
}

criterion_group!(benches, handshake);
criterion_main!(benches);
