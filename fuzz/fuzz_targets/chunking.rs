//! The same stream whole and in pieces, in either role: nothing may tell the two apart.
#![no_main]

use libfuzzer_sys::fuzz_target;
use websocket_proto_fuzz::{Cutting, compare};

fuzz_target!(|cutting: Cutting| compare(&cutting));
