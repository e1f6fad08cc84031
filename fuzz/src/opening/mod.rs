//! The opening handshake: what the peer's head may be, and what must come of it.

mod answer;
mod body;
mod draft;
mod http;
mod judge_request;
mod judge_response;
mod request;
mod response;

pub use draft::{Draft, Edit};
pub use request::{Asking, ask};
pub use response::{Answering, Ending, Kind, answer};
