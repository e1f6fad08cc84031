//! A server, and a request that is anything, or almost right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use websocket_proto_fuzz::{Asking, ask};

fuzz_target!(|asking: Asking| ask(&asking));
