//! Any header values as offers to a server and as answers to a client.
#![no_main]

use libfuzzer_sys::fuzz_target;
use websocket_proto_fuzz::{Offering, offer};

fuzz_target!(|offering: Offering| offer(&offering));
