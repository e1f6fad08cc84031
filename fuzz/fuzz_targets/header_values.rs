//! What two applications put into a handshake, and what arrives of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use websocket_proto_fuzz::{Wording, word};

fuzz_target!(|wording: Wording| word(&wording));
