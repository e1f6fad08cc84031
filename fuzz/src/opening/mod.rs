//! The opening handshake: what the peer's head may be, and what must come of it.

mod answer;
mod draft;
mod http;
mod judge_request;
mod request;

pub use draft::{Draft, Edit};
pub use request::{Asking, ask};
