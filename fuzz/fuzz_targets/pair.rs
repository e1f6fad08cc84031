//! A client and a server of this crate, two applications that do anything at any time, and a network that does as well.
#![no_main]

use libfuzzer_sys::fuzz_target;
use websocket_proto_fuzz::{Talk, converse};

fuzz_target!(|talk: Talk| converse(&talk));
