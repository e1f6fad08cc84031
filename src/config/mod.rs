//! Every limit, deadline and switch, with its default and the reason for it.

#[cfg(feature = "deflate")]
mod deflate;
#[cfg(feature = "deflate")]
mod spares;

use core::time::Duration;

use crate::message::Utf8Bytes;

#[cfg(feature = "deflate")]
pub use deflate::Deflate;
#[cfg(feature = "deflate")]
pub(crate) use spares::{Shape, Spares};

/// Without the feature there is no such thing.
#[cfg(not(feature = "deflate"))]
#[derive(Clone, Debug)]
pub(crate) enum Deflate {}

/// Which side of the connection this is. It decides who masks (RFC 6455 §5.1) and who closes the transport (§7.1.1).
///
/// ```
/// use websocket_proto::Role;
///
/// assert_ne!(Role::Client, Role::Server);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The side that connects.
    Client,
    /// The side that is connected to.
    Server,
}

/// The settings of a connection, shared between as many as you like.
///
/// Take the defaults and change what you must; each field says what its default is and why.
///
/// ```
/// use core::time::Duration;
/// use websocket_proto::{Config, Heartbeat};
///
/// let mut config = Config::default();
/// config.max_message_size = Some(64 * 1024);
/// config.heartbeat = Some(Heartbeat::new(Duration::from_secs(10), Duration::from_secs(5)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Whether messages are delivered whole, or in pieces as they arrive.
    ///
    /// Default: whole.
    pub delivery: Delivery,
    /// The largest message to receive, in bytes, counted across its fragments. A larger one fails the connection with
    /// 1009, judged by its headers where they tell, and while it inflates where it is compressed: what counts is its size
    /// then.
    ///
    /// Default: `None`, which stands for 16 MiB where messages are delivered whole: enough for what people send in one piece,
    /// small enough to hold in memory. With [`Delivery::Chunks`] it stands for no limit: nothing of the message is kept.
    pub max_message_size: Option<u64>,
    /// The largest frame to receive, in bytes as they are on the wire. 1009.
    ///
    /// Default: `None`, which leaves it to [`max_message_size`](Self::max_message_size): how a message is cut into frames is
    /// the sender's business (RFC 6455 §5.4). A compressed message counts as it is inflated, so
    /// its frames are held to this alone, and to [`unfinished_message`](Self::unfinished_message).
    pub max_frame_size: Option<u64>,
    /// The most frames in one message, empty ones included. 1009.
    ///
    /// Default: `None`, which stands for 131,072 where messages are delivered whole: it lets 16 MiB pass in frames of 128
    /// bytes, and ends a stream of empty fragments. With [`Delivery::Chunks`] it stands for no limit.
    pub max_fragments: Option<u64>,
    /// The kinds of message to receive; the other kind fails the connection with 1003.
    ///
    /// A heartbeat by text is text, so where there is one, text must be accepted.
    ///
    /// Default: both.
    pub accept_kinds: MessageKinds,
    /// The largest head (request or response line and header fields) to receive, in bytes. A server answers 431.
    ///
    /// Default: 16 KiB, what servers commonly take.
    pub max_head_size: usize,
    /// Client: how much of a refusal's body to keep, in bytes. The rest is not read.
    ///
    /// Default: 4 KiB: enough for an explanation, not for a page.
    pub max_refusal_body: usize,
    /// `send` accepts a message while fewer bytes than this are queued. So the queue never holds more than this and one
    /// message. Each message that is not written whole counts 64 bytes more, so that also small and empty ones cannot wait in
    /// any number. Values below 1 count as 1.
    ///
    /// Default: 1 MiB: well above what one write takes, well below what hurts for each slow consumer.
    pub output_high_water: usize,
    /// Larger messages are sent in several frames of at most this many bytes of payload, so that control frames pass
    /// between them. Values below 125 count as 125.
    ///
    /// Default: 128 KiB: some milliseconds on a slow link, while the header costs nothing beside it.
    pub max_outgoing_frame: usize,
    /// Whether each Ping is answered by the machine itself (RFC 6455 §5.5.2). If not, the application must call
    /// [`pong`](crate::Connection::pong).
    ///
    /// Default: true.
    pub automatic_pong: bool,
    /// When to ping the peer and how, and how long to wait for a sign of life; `None` never pings.
    ///
    /// Default: every 25 s of silence, 10 s of margin, in both roles: together below the 60 s after which common proxies
    /// cut a silent connection.
    pub heartbeat: Option<Heartbeat>,
    /// How long the peer's part of the opening handshake may take. A server then answers 408.
    ///
    /// Default: 10 s.
    pub handshake_timeout: Duration,
    /// Server: how long the application may take to accept or reject a request. Then 503 is answered.
    ///
    /// Default: 10 s.
    pub decision_timeout: Duration,
    /// How long the end may take, from the first Close frame sent or received, or the failure, to the end of the stream. Where
    /// an HTTP answer takes the place of the Close frame, it counts anew each time that some of that was written.
    ///
    /// Default: 5 s.
    pub close_timeout: Duration,
    /// How long the transport may take no byte of what is offered to it before the connection ends.
    ///
    /// Default: 30 s: a peer that reads nothing for so long holds memory for nobody.
    pub write_stall: Option<Duration>,
    /// How long a frame or message that has begun may take to arrive whole; with [`Delivery::Chunks`], each 64 KiB of it.
    /// 1008.
    ///
    /// Default: 60 s: 16 MiB in that time need 280 kB/s.
    pub unfinished_message: Option<Duration>,
    /// How long nothing at all may arrive before the connection is closed with 1001.
    ///
    /// Default: `None`. The heartbeat finds a dead peer; this ends connections that live but are not used.
    pub inbound_idle: Option<Duration>,
    /// Server: whether a GET or HEAD that asks for no upgrade becomes an
    /// [`Event::HttpRequest`](crate::Event::HttpRequest). If not, it is answered 426.
    ///
    /// Default: false.
    pub http_requests: bool,
    /// Whether and how to compress (RFC 7692): a client offers it, a server accepts it if it is offered; `None` does neither.
    ///
    /// Default: `None`. Compression costs memory and time, and what is compressed together with a secret can tell it by its
    /// length, as CRIME did: it is for the application to say that it pays.
    #[cfg(feature = "deflate")]
    pub deflate: Option<Deflate>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            delivery: Delivery::Messages,
            max_message_size: None,
            max_frame_size: None,
            max_fragments: None,
            accept_kinds: MessageKinds::Any,
            max_head_size: 16 * 1024,
            max_refusal_body: 4 * 1024,
            output_high_water: 1024 * 1024,
            max_outgoing_frame: 128 * 1024,
            automatic_pong: true,
            heartbeat: Some(Heartbeat::default()),
            handshake_timeout: Duration::from_secs(10),
            decision_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            write_stall: Some(Duration::from_secs(30)),
            unfinished_message: Some(Duration::from_secs(60)),
            inbound_idle: None,
            http_requests: false,
            #[cfg(feature = "deflate")]
            deflate: None,
        }
    }
}

impl Config {
    pub(crate) fn message_size_limit(&self) -> u64 {
        self.max_message_size.unwrap_or(match self.delivery {
            Delivery::Messages => 16 * 1024 * 1024,
            Delivery::Chunks => u64::MAX,
        })
    }

    /// [`deflate`](Self::deflate), or none.
    pub(crate) fn deflate_policy(&self) -> Option<&Deflate> {
        #[cfg(feature = "deflate")]
        return self.deflate.as_ref();
        #[cfg(not(feature = "deflate"))]
        None
    }

    pub(crate) fn fragments_limit(&self) -> u64 {
        self.max_fragments.unwrap_or(match self.delivery {
            Delivery::Messages => 1 << 17,
            Delivery::Chunks => u64::MAX,
        })
    }
}

/// How messages reach the application.
///
/// ```
/// use websocket_proto::{Config, Delivery};
///
/// let mut config = Config::default();
/// config.delivery = Delivery::Chunks; // a message of 10 GiB now passes, piece by piece
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Whole, as [`Event::Message`](crate::Event::Message).
    #[default]
    Messages,
    /// In pieces of at most 64 KiB, each as soon as it has arrived, as [`Event::Chunk`](crate::Event::Chunk): also of a
    /// message whose frame is not complete, and with memory for one piece only. A piece is usually what one read brought, and the
    /// adapters read some kilobytes at a time.
    ///
    /// Nothing then bounds a message but the limits that are set. [`Config::unfinished_message`] begins anew with each full
    /// 64 KiB of it, so that it bounds how slowly one may arrive and not how large it may be. What the application spends on a
    /// piece does not count, if the owner says so by [`Connection::set_reading`](crate::Connection::set_reading); the adapters
    /// do.
    Chunks,
}

/// When to ping the peer, and how: by Pings, or by a pair of texts where the peer cannot ping.
///
/// ```
/// use core::time::Duration;
/// use websocket_proto::{Config, Heartbeat, TextHeartbeat};
///
/// assert_eq!(Heartbeat::default().interval, Duration::from_secs(25));
///
/// // A server for browsers: it pings them itself, and answers a page that sends "ping" with "pong".
/// let mut config = Config::default();
/// config.heartbeat = Some(Heartbeat::default().with_text(TextHeartbeat::answered()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heartbeat {
    /// A Ping goes out when nothing was received, or nothing was sent, for this long or up to a quarter less. How much less is
    /// drawn anew from the seed for each, so that connections that began together do not beat together, and none is silent for
    /// longer. Default: 25 s.
    pub interval: Duration,
    /// The connection is dead when nothing at all arrives for this long after the Ping was written; where the transport takes
    /// nothing, so that it cannot be written, after it was due or the transport last took something. Values below 1 ms count as
    /// 1 ms. Default: 10 s.
    pub margin: Duration,
    /// Texts that stand for Ping and Pong, for peers that cannot ping: browsers let a page do neither.
    ///
    /// Default: `None`.
    pub text: Option<TextHeartbeat>,
}

impl Heartbeat {
    /// Pings after `interval` of silence, and waits for `margin`.
    #[must_use]
    pub const fn new(interval: Duration, margin: Duration) -> Self {
        Self { interval, margin, text: None }
    }

    /// The same with a pair of texts.
    #[must_use]
    pub fn with_text(self, text: TextHeartbeat) -> Self {
        Self { text: Some(text), ..self }
    }

    pub(crate) fn margin(&self) -> Duration {
        self.margin.max(Duration::from_millis(1))
    }

    /// The interval of one beat: at most all of it, at least three quarters.
    pub(crate) fn jittered(&self, random: u16) -> Duration {
        let most = self.interval / 4;
        self.interval.saturating_sub((most / (1 << 16)).saturating_mul(u32::from(random)))
    }
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self::new(Duration::from_secs(25), Duration::from_secs(10))
    }
}

/// A heartbeat of two texts, "ping" and "pong" if nothing else is said: one side sends the first, the other answers with the
/// second.
///
/// Both are text messages to whatever lies between, and neither is shown to the application: a text that is one of them, byte for
/// byte and from its beginning to its end, is taken out. So **choose texts that no user can type** and that the
/// application never sends, such as `{"type":"ping"}`, and the same at both ends. They wait for the end of a message that is
/// being sent in several frames or in chunks, and are never compressed. A beat that falls due inside a message in chunks is a
/// Ping instead, and an answer that has to wait for the end of one is announced by a Pong, as a sign of life; but a page sees
/// neither, so do not dwell on a message in chunks for longer than it waits.
///
/// With [`Delivery::Chunks`] a text is taken out if it came in one piece, as so short a frame nearly always does.
///
/// An answered beat counts as a Pong in [`Stats`](crate::Stats) and is an [`Event::Pong`](crate::Event::Pong) with its round
/// trip; a beat that was answered counts as a Ping received and is no event.
///
/// ```
/// use websocket_proto::{Heartbeat, TextHeartbeat};
///
/// let pair = TextHeartbeat::sent().with_pair(r#"{"type":"ping"}"#, r#"{"type":"pong"}"#);
/// let heartbeat = Heartbeat::default().with_text(pair);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextHeartbeat {
    pub(crate) ping: Utf8Bytes,
    pub(crate) pong: Utf8Bytes,
    pub(crate) sends: bool,
    pub(crate) answers: bool,
}

impl TextHeartbeat {
    /// This side beats with texts in place of Pings. What the peer sends itself is left to the application.
    #[must_use]
    pub const fn sent() -> Self {
        Self::new(true, false)
    }

    /// This side answers the peer's texts, and beats with Pings: what a server for browsers wants.
    #[must_use]
    pub const fn answered() -> Self {
        Self::new(false, true)
    }

    /// This side beats with texts, and answers those of the peer.
    #[must_use]
    pub const fn sent_and_answered() -> Self {
        Self::new(true, true)
    }

    const fn new(sends: bool, answers: bool) -> Self {
        Self { ping: Utf8Bytes::from_static("ping"), pong: Utf8Bytes::from_static("pong"), sends, answers }
    }

    /// The same with these texts. If they are equal, nobody can tell a beat from an answer: then a side that sends does not answer,
    /// so one side must send and the other answer.
    #[must_use]
    pub fn with_pair(self, ping: impl Into<Utf8Bytes>, pong: impl Into<Utf8Bytes>) -> Self {
        let (ping, pong) = (ping.into(), pong.into());
        let answers = self.answers && !(self.sends && ping == pong);
        Self { ping, pong, answers, ..self }
    }
}

/// Which kinds of message an endpoint takes.
///
/// ```
/// use websocket_proto::{Config, MessageKinds};
///
/// let mut config = Config::default();
/// config.accept_kinds = MessageKinds::Text; // a binary message now fails the connection with 1003
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MessageKinds {
    /// Text and binary.
    #[default]
    Any,
    /// Text only.
    Text,
    /// Binary only.
    Binary,
}
