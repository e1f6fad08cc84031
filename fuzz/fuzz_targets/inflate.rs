//! Any bytes as compressed messages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use websocket_proto_fuzz::{Inflating, inflate};

fuzz_target!(|inflating: Inflating| inflate(&inflating));
