//! What the fuzz targets share.
//!
//! A target's input is a few bytes that say what is done, then the bytes that the peer sends: see [`Script`] and
//! [`Cutting`]. The formats are plain, so that seeds can be written by hand (`examples/seeds.rs` does) and a mutation of a
//! byte of the stream stays one. Both give the stream either as it is or as a list of frames to build, since a fuzzer
//! cannot mask text.

mod adapter;
mod chunking;
mod cuts;
mod deflate;
mod driven;
mod frames;
mod heads;
mod opening;
mod output;
mod pair;
mod player;
mod scene;
mod script;
mod stream;
mod watch;

pub use adapter::{Act, Session, Wish, attend};
pub use chunking::{Cutting, compare};
pub use cuts::Cuts;
pub use deflate::{Inflating, Offering, Piece, Trip, inflate, offer, travel};
pub use frames::write_frame;
pub use opening::{Answering, Asking, Draft, Edit, Ending, Kind, Place, Wording, answer, ask, word};
pub use pair::{Deed, Finale, Move, Talk, converse};
pub use player::play;
pub use scene::{Decision, Opening, Scene, Settings};
pub use script::{Action, Script, Step};
pub use stream::{Stream, recipe};
