//! A socket over tokio, with tasks that give up at any time, and a transport that misbehaves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use websocket_proto_fuzz::{Session, attend};

fuzz_target!(|session: Session| attend(&session));
