//! Every seed is played once with the stable compiler, so that a change that breaks a promise, or a seed that no longer
//! says what its name says, shows without a fuzzer.

use std::fs;
use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};
use websocket_proto::Role;
use websocket_proto_fuzz::{
    Answering, Asking, Cutting, Inflating, Offering, Script, Session, Talk, Trip, Wording, answer, ask,
    attend, compare, converse, offer, play, travel, word,
};

/// Plays each seed of a target, which must be what is made of it again.
fn replay<T: for<'a> Arbitrary<'a>>(target: &str, encode: fn(&T) -> Vec<u8>, play: impl Fn(&T)) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(directory).expect("a corpus") {
        let path = entry.expect("a file").path();
        let seed = fs::read(&path).expect("a seed");
        println!("{}", path.display());
        let input = T::arbitrary_take_rest(Unstructured::new(&seed)).expect("an input");
        assert_eq!(encode(&input), seed);
        play(&input);
        count += 1;
    }
    assert!(count > 0, "no seed of {target}");
}

#[test]
fn server_bytes() {
    replay("server_bytes", Script::encode, |script| play(script, Role::Server));
}

#[test]
fn client_bytes() {
    replay("client_bytes", Script::encode, |script| play(script, Role::Client));
}

#[test]
fn chunking() {
    replay("chunking", Cutting::encode, compare);
}

#[test]
fn pair() {
    replay("pair", Talk::encode, converse);
}

#[test]
fn request_head() {
    replay("request_head", Asking::encode, ask);
}

#[test]
fn response_head() {
    replay("response_head", Answering::encode, answer);
}

#[test]
fn tokio_adapter() {
    replay("tokio_adapter", Session::encode, attend);
}

#[test]
fn deflate_offers() {
    replay("deflate_offers", Offering::encode, offer);
}

#[test]
fn inflate() {
    replay("inflate", Inflating::encode, websocket_proto_fuzz::inflate);
}

#[test]
fn deflate_round_trip() {
    replay("deflate_round_trip", Trip::encode, travel);
}

#[test]
fn header_values() {
    replay("header_values", Wording::encode, word);
}
