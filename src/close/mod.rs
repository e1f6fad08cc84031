//! Why a connection ends, in the protocol's own words: the registry of close codes and the Close frame's content.

mod code;
mod frame;
mod registry;
mod retry;

pub use code::{CloseCode, CodeRange, SentBy};
pub use frame::{CloseFrame, CloseFrameError, MAX_REASON_LEN};
pub use retry::Retry;
