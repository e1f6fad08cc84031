//! Every seed is played once with the stable compiler, so that a change that breaks a promise, or a seed that no longer
//! says what its name says, shows without a fuzzer.

use std::fs;
use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};
use websocket_proto::Role;
use websocket_proto_fuzz::{Cutting, Script, compare, play};

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let files = fs::read_dir(directory).expect("a corpus").map(|entry| entry.expect("a file").path());
    files.map(|path| (path.display().to_string(), fs::read(&path).expect("a seed"))).collect()
}

fn play_all(target: &str, role: Role) {
    for (name, seed) in seeds(target) {
        let script = Script::arbitrary_take_rest(Unstructured::new(&seed)).expect("a script");
        assert_eq!(script.encode(), seed, "{name}");
        println!("{name}");
        play(&script, role);
    }
}

#[test]
fn server_bytes() {
    play_all("server_bytes", Role::Server);
}

#[test]
fn client_bytes() {
    play_all("client_bytes", Role::Client);
}

#[test]
fn chunking() {
    for (name, seed) in seeds("chunking") {
        let cutting = Cutting::arbitrary_take_rest(Unstructured::new(&seed)).expect("a cutting");
        assert_eq!(cutting.encode(), seed, "{name}");
        println!("{name}");
        compare(&cutting);
    }
}
