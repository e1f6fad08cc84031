//! The opening handshake: what the peer's head may be, and what must come of it.

mod answer;
mod body;
mod draft;
mod grammar;
mod http;
mod judge_request;
mod judge_response;
mod request;
mod response;
mod wording;
mod words;

pub use draft::{Draft, Edit};
pub use request::{Asking, ask};
pub use response::{Answering, Ending, Kind, answer};
pub use wording::word;
pub use words::{Place, Wording};
