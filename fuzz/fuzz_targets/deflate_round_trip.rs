//! Messages that one DEFLATE library deflates and another inflates, both ways.
#![no_main]

use libfuzzer_sys::fuzz_target;
use websocket_proto_fuzz::{Trip, travel};

fuzz_target!(|trip: Trip| travel(&trip));
