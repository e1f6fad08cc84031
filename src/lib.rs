//! A WebSocket connection (RFC 6455) as a pure state machine, with thin blocking and tokio adapters.
//!
//! [`Connection`] is one WebSocket connection from its first handshake byte to its last close byte, and does no I/O. It
//! reads no clock, draws no randomness and starts no thread; all three are arguments. Whoever owns it (a tokio task, a
//! thread, an event loop, a test with a virtual clock) hands it the bytes that came in and the time it is, takes the bytes
//! that must go out, asks when it must be called again, and acts on the events. Everything hard lives inside: handshake,
//! frames, masking, UTF-8, fragmentation, compression, close rules, heartbeats, deadlines, limits. So every owner behaves the
//! same.
//!
//! Not writing a runtime? Use `blocking` or `tokio` (feature `tokio`), which do just what the machine says.
//!
//! # A whole life
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use bytes::{Buf, BytesMut};
//! use websocket_proto::{
//!     Accept, ClientRequest, CloseFrame, Config, Connection, Event, Message, OriginPolicy, Timestamp, Transport,
//! };
//!
//! // What a network would do: everything that one side has to write becomes the other side's input.
//! fn carry(from: &mut Connection, to: &mut BytesMut, now: Timestamp) {
//!     loop {
//!         let mut output = from.output(now);
//!         if !output.has_remaining() { return }
//!         to.extend_from_slice(&output.copy_to_bytes(output.remaining()));
//!     }
//! }
//!
//! let config = Arc::new(Config::default());
//! let mut now = Timestamp::default();
//! let request = ClientRequest::new("example.com", "/chat")?;
//! let mut client = Connection::client(&request, config.clone(), [1; 32], now); // a real seed comes from the system
//! let mut server = Connection::server(config, [2; 32], now);
//! let (mut to_client, mut to_server) = (BytesMut::new(), BytesMut::new());
//!
//! // The opening handshake: the server decides before anything is sent.
//! carry(&mut client, &mut to_server, now);
//! let Some(Event::Request(request)) = server.poll_event(&mut to_server, now) else { unreachable!() };
//! assert_eq!(request.path(), "/chat");
//! server.accept(&Accept::new(OriginPolicy::SameHost), now)?;
//! carry(&mut server, &mut to_client, now);
//! assert!(matches!(client.poll_event(&mut to_client, now), Some(Event::Open(_))));
//!
//! // A message.
//! client.send("hello")?;
//! carry(&mut client, &mut to_server, now);
//! assert_eq!(server.poll_event(&mut to_server, now), Some(Event::Message(Message::from("hello"))));
//!
//! // Silence: the machine says when it must be called, and sends a Ping.
//! now = client.poll_timeout().expect("a heartbeat is on by default");
//! assert!(now.saturating_duration_since(Timestamp::default()) <= Duration::from_secs(25));
//! client.handle_timeout(now);
//! carry(&mut client, &mut to_server, now);
//! assert!(matches!(server.poll_event(&mut to_server, now), Some(Event::Ping(_))));
//! carry(&mut server, &mut to_client, now);
//! assert!(matches!(client.poll_event(&mut to_client, now), Some(Event::Pong { round_trip: Some(_), .. })));
//!
//! // The closing handshake. The server ends the transport first: its HalfClose is the client's end of input.
//! client.close(CloseFrame::new(1000, "done")?, now);
//! carry(&mut client, &mut to_server, now);
//! assert_eq!(server.poll_event(&mut to_server, now), None);
//! carry(&mut server, &mut to_client, now);
//! assert_eq!(server.transport(), Transport::HalfClose);
//! assert_eq!(client.poll_event(&mut to_client, now), None);
//! client.end_of_input(now);
//! let Some(Event::Closed(close)) = client.poll_event(&mut to_client, now) else { unreachable!() };
//! assert!(close.was_clean() && close.code().as_u16() == 1000);
//! assert_eq!(client.transport(), Transport::Close);
//! server.end_of_input(now);
//! assert!(matches!(server.poll_event(&mut to_server, now), Some(Event::Closed(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The states
//!
//! ```text
//! client:  request ─▶ 101 ───────────────▶ open      anything else ─▶ Refused, Closed
//! server:  request ─▶ accept() ─▶ 101 ───▶ open      reject(), bad request ─▶ answer ─▶ HalfClose, Closed
//!
//! receive: Open ─Close frame─▶ GotClose ─▶ discard        Open ─violation│limit│deadline─▶ Failed ─▶ discard
//!          Open ─end of stream─▶ Ended
//! send:    Open ─close()│echo│failure─▶ Closing ─written─▶ SentClose      any but SentClose ─write failed─▶ Broken
//! joint:   server: (GotClose or Failed) and SentClose ─▶ HalfClose, then Close at the end of the stream
//!          client: GotClose and SentClose ─▶ wait for the end of the stream, then Close
//!          client: Failed and SentClose ─▶ HalfClose, then Close at the end of the stream
//!          both:   Ended ─▶ Close                 (GotClose or Failed) and Broken ─▶ Close
//!          both:   a failed read, the close deadline ─▶ Close if (GotClose or Failed) and SentClose, else Abort
//!          both:   dead heartbeat, write stall ─▶ one write attempt for the Close frame, then Abort
//! ```
//!
//! However it ends, [`Event::Closed`] comes exactly once, as the last event, and its [`CloseEvent`] says what happened.
//!
//! # The layers
//!
//! From the ground up. A module imports from layers with lower numbers, or from a module to its left.
//!
//! ```text
//! 0 vocabulary   time · close · message · state · config · error · stats · upgrade · event · explain · signal
//! 1 bytes        entropy · spare · wire · http · deflate
//! 2 machines     handshake · receive · send · heartbeat · reconnect
//! 3 the whole    connection
//! 4 adapters     adapter · blocking · tokio
//! ```
//!
//! # The halves
//!
//! ```text
//!  bytes in ─▶ Receiver ───── Signal ─────▶ Sender ─▶ bytes out        Connection: the opening handshake, then both halves
//!              parses        ◀─ discard ─   deadlines, closing, account ─▶ events
//! ```
//!
//! Receiving and sending are separate machines. What one step of receiving came to crosses over by value, as a [`Signal`]: how
//! many bytes it took, whether they left a message unfinished, and what they said. The other way there is only the order to
//! discard, once the connection has failed or ended. A [`Connection`] is both halves and this exchange, and nothing else;
//! [`Connection::split`] gives them to an owner that reads and writes in two threads and wants to parse without a lock. (The
//! adapters' own halves share a whole connection behind one lock, and hold it for no read and no write.)
//!
//! # Messages that do not fit in memory
//!
//! With [`Delivery::Chunks`] a message is delivered in pieces, before its frame is complete, and [`Connection::send_chunk`]
//! sends one the same way: a message of 10 GiB then takes as much memory as one of 64 KiB.
//!
//! # Features
//!
//! - `std` (default): `blocking`, a conversion of `std::io::ErrorKind`, vectored output, and a few kilobytes that each thread
//!   keeps for its connections. Without it the crate is `no_std + alloc`. The features below turn it on.
//! - `simd` (default): validates UTF-8 and masks payloads with the vector instructions that the CPU has.
//! - `deflate`: compression (RFC 7692), where [`Config`] asks for it.
//! - `tokio`: the tokio adapter.
#![no_std]
#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::todo,
    clippy::unimplemented
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

#[cfg(feature = "std")]
mod adapter;
mod close;
mod config;
mod connection;
mod deflate;
mod entropy;
mod error;
mod event;
mod explain;
mod handshake;
mod heartbeat;
mod http;
mod message;
mod receive;
mod reconnect;
mod send;
mod signal;
#[cfg(feature = "std")]
mod spare;
mod state;
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
pub use close::{CloseCode, CloseFrame, CloseFrameError, CodeRange, MAX_REASON_LEN, Retry, SentBy};
#[cfg(feature = "deflate")]
pub use config::Deflate;
pub use config::{Config, Delivery, Heartbeat, MessageKinds, Role, TextHeartbeat};
pub use connection::{Connection, Output, Sender, Taken, Transport};
pub use error::{Deadline, Limit, SendError, TransportFailure, Violation};
pub use event::{Cause, CloseEvent, Endings, Event, Side, StreamPosition};
pub use explain::Hint;
pub use message::{Chunk, Message, Utf8Bytes};
pub use receive::Receiver;
pub use reconnect::{Reconnect, ReconnectConfig, ReconnectState, StopReason};
pub use send::Prepared;
pub use signal::Signal;
pub use state::State;
pub use stats::Stats;
pub use time::Timestamp;
#[cfg(feature = "deflate")]
pub use upgrade::DeflateParameters;
pub use upgrade::{
    Accept, Agreement, ClientRequest, HandshakeError, Headers, HttpRequest, InvalidHead, Misuse, Origin,
    OriginPolicy, Reject, Request, Response, RetryAfter,
};

// Shown in the documentation; `tests/rfc6455.rs` holds it to the tests that it names.
#[cfg(doc)]
#[doc = include_str!("rfc6455.md")]
pub mod rfc6455 {}

/// The examples in the README compile.
#[cfg(all(doctest, feature = "tokio", feature = "deflate"))]
#[doc = include_str!("../README.md")]
struct Readme;
