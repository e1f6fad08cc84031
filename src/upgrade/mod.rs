//! The words of the opening handshake (RFC 6455 §4): what is asked for, what is answered, and how either goes
//! wrong.
//!
//! Nothing here reads or writes a transport. What an application builds ([`ClientRequest`], [`Accept`],
//! [`Reject`]) is checked while it is built, so that it can always be written; what it is given ([`Request`],
//! [`HttpRequest`], [`Response`]) was checked before it was made, so that its accessors do not fail.

mod agreement;
mod answer;
pub(crate) mod check;
mod client_request;
#[cfg_attr(not(feature = "deflate"), path = "no_deflate.rs")]
mod deflate;
mod error;
mod headers;
pub(crate) mod lines;
pub(crate) mod list;
mod origin;
mod request;
mod response;
mod retry_after;

pub use agreement::Agreement;
pub use answer::{Accept, Reject};
pub use client_request::ClientRequest;
#[cfg(feature = "deflate")]
pub use deflate::DeflateParameters;
#[cfg(not(feature = "deflate"))]
pub(crate) use deflate::DeflateParameters;
pub use error::{HandshakeError, InvalidHead, Misuse};
pub use headers::Headers;
pub use origin::{Origin, OriginPolicy};
pub(crate) use request::Places;
pub use request::{HttpRequest, Request};
pub use response::Response;
pub use retry_after::RetryAfter;
