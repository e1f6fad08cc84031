//! What to offer and accept of permessage-deflate, and what it may cost.

use super::spares::Spares;

/// How to compress messages, for [`Config::deflate`](crate::Config::deflate): permessage-deflate (RFC 7692).
///
/// Each direction has a compressor at one end and a decompressor at the other. With _context takeover_ both keep what they
/// have seen for the next message, which then gets much smaller: a JSON message of 256 bytes shrinks to about 155 by itself and to
/// about 55 after others like it. That costs memory for as long as the connection lasts. Without, an idle connection holds none.
///
/// What one connection holds, from the first compressed message in a direction on, in bytes:
///
/// | | for what is sent | for what is received |
/// |---|---|---|
/// | without context takeover, between messages | 0 | 0 |
/// | within a message; with context takeover, always: window of 15 bits | 279,680 | 47,552 |
/// | of 12 bits | 164,992 | 47,552 |
/// | of 9 bits, or 8 | 150,656 | 47,552 |
///
/// Contexts that are not needed between messages are kept for the next one, whichever connection it comes from: see
/// [`spare_contexts`](Self::spare_contexts). Each thread that compresses or decompresses has 32 KiB of room for what it works on.
///
/// ```
/// use websocket_proto::{Config, Deflate};
///
/// let mut config = Config::default();
/// config.deflate = Some(Deflate::default()); // costs nothing while idle
///
/// let mut deflate = Deflate::default(); // for the one connection of a client, say
/// deflate.context_takeover = true;
/// deflate.peer_context_takeover = true;
/// config.deflate = Some(deflate);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deflate {
    /// Whether what is sent refers to earlier messages, if the peer allows it.
    ///
    /// Default: false, for 280 kB less for each connection. Whoever has few connections should say true.
    pub context_takeover: bool,
    /// Whether the peer may do so. If not, a client offers `server_no_context_takeover`, and a server that does not know
    /// it agrees to no compression; a server answers `client_no_context_takeover`, which every client knows.
    ///
    /// Default: false, for 48 kB less for each connection.
    pub peer_context_takeover: bool,
    /// How far back what is sent may refer, as the base-2 logarithm of a number of bytes; the peer may ask for less. Values
    /// below 8 count as 8, those above 15 as 15.
    ///
    /// 8 costs as much as 9: zlib has no window of 256 bytes for this format. Its window of 512 bytes stands in for it, in which
    /// it refers back by 250 bytes at most, so that a peer with a window of 256 bytes understands.
    ///
    /// Default: 15, which compresses best.
    pub window_bits: u8,
    /// How far back the peer may refer, in the same way. A client offers it as `server_max_window_bits`, and a server that
    /// cannot do with so little agrees to no compression. A server answers it as `client_max_window_bits` to clients that
    /// know this, as browsers do; others refer back by up to 32,768 bytes, which is understood.
    ///
    /// Default: 15. Less saves memory only at the peer.
    pub peer_window_bits: u8,
    /// How hard to try, from 0, which compresses nothing, to 9. Values above count as 9.
    ///
    /// Default: 1. For JSON, 6 makes messages a fifth smaller and takes at least twice as long.
    pub level: u8,
    /// Messages with a shorter payload, in bytes, are sent as they are. A message in chunks is as long as its first chunk,
    /// if that is its last one too; otherwise it is compressed.
    ///
    /// Default: 128. By itself no message of less than about 100 bytes gets smaller. With context takeover also short ones do.
    pub threshold: usize,
    /// How many contexts of each direction are kept for the next message, when no message needs them. All connections
    /// with this policy, and with clones of it, share them.
    ///
    /// Default: 16, at most 5.2 MB in all: a message is compressed while it is sent, so more are seldom in use at once than
    /// there are threads. With 0 each context is freed after its message.
    pub spare_contexts: usize,
    pub(crate) spares: Spares,
}

impl Default for Deflate {
    fn default() -> Self {
        Self {
            context_takeover: false,
            peer_context_takeover: false,
            window_bits: 15,
            peer_window_bits: 15,
            level: 1,
            threshold: 128,
            spare_contexts: 16,
            spares: Spares::default(),
        }
    }
}

impl Deflate {
    pub(crate) fn window_bits(&self) -> u8 {
        self.window_bits.clamp(8, 15)
    }

    pub(crate) fn peer_window_bits(&self) -> u8 {
        self.peer_window_bits.clamp(8, 15)
    }
}
