//! A client, and a server that sends anything, at any time and in any pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use websocket_proto::Role;
use websocket_proto_fuzz::{Script, play};

fuzz_target!(|script: Script| play(&script, Role::Client));
