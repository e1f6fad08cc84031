//! A client, and an answer that is anything, or almost right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use websocket_proto_fuzz::{Answering, answer};

fuzz_target!(|answering: Answering| answer(&answering));
