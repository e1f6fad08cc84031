//! A WebSocket connection as a pure state machine.
#![no_std]
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
mod adapter;
mod close;
mod config;
mod connection;
mod entropy;
mod error;
mod event;
mod handshake;
mod heartbeat;
mod http;
mod message;
mod receive;
mod send;
mod signal;
mod stats;
mod time;
mod upgrade;
mod wire;

#[cfg(feature = "std")]
pub mod blocking;
#[cfg(feature = "tokio")]
pub mod tokio;

#[cfg(feature = "std")]
pub use adapter::Error;
pub use close::{CloseCode, CloseFrame, CloseFrameError, CodeRange, MAX_REASON_LEN, SentBy};
pub use config::{Config, Heartbeat, MessageKinds, Role};
pub use connection::{Connection, Output, Taken, Transport};
pub use error::{Deadline, Limit, SendError, TransportFailure, Violation};
pub use event::{Cause, CloseEvent, Event, Side, State, StreamPosition};
pub use message::{Message, Utf8Bytes};
pub use stats::Stats;
pub use time::Timestamp;
pub use upgrade::{
    Accept, Agreement, ClientRequest, HandshakeError, Headers, HttpRequest, InvalidHead, Misuse, Origin,
    OriginPolicy, Reject, Request, Response, RetryAfter,
};
