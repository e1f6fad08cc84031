//! A connection on a scale: whatever it is fed, what it keeps follows what it was fed.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use websocket_proto::{
    Accept, Agreement, Cause, ClientRequest, CloseCode, Config, Connection, Event, OriginPolicy, Role,
    Timestamp, Transport,
};

use crate::counting::{forget_peak, live, peak};

/// What the transport takes at each turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    All,
    OneByte,
    /// It is offered what there is, and takes nothing.
    Nothing,
}

/// A connection, and how many bytes it was fed. Its owner's buffer is not counted, nor what the application lets go at once.
pub(crate) struct Scale {
    pub(crate) connection: Connection,
    pub(crate) takes: Takes,
    pub(crate) fed: usize,
    pub(crate) messages: u64,
    /// How it ended, and what the peer was told.
    pub(crate) end: Option<(Cause, Option<CloseCode>)>,
    /// The most that it held at once, and how much it held when it was last left alone.
    pub(crate) most: usize,
    /// Less than nothing where the thread does not have a buffer back that it keeps for all.
    pub(crate) held: isize,
}

impl Scale {
    /// What an open connection is made with, a client's generator of masks, is no memory that it was made to hold.
    pub(crate) fn upgraded(role: Role, config: &Arc<Config>) -> Self {
        let scale = Self::new(|| {
            Connection::upgraded(role, Agreement::default(), config.clone(), [7; 32], Timestamp::default())
        });
        Self { most: 0, held: 0, ..scale }
    }

    pub(crate) fn connecting(role: Role, config: &Arc<Config>) -> Self {
        let request = ClientRequest::new("a", "/").unwrap();
        Self::new(|| match role {
            Role::Client => Connection::client(&request, config.clone(), [7; 32], Timestamp::default()),
            Role::Server => Connection::server(config.clone(), [7; 32], Timestamp::default()),
        })
    }

    fn new(make: impl FnOnce() -> Connection) -> Self {
        warm_up();
        let before = live();
        let connection = make();
        let held = live() - before;
        Self { connection, takes: Takes::All, fed: 0, messages: 0, end: None, most: owned(held), held }
    }

    /// Feeds it `bytes` in one read, and holds it to the bounds for any bytes at all.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let before = live() - self.held;
        let mut input = BytesMut::from(bytes);
        let buffer = live() - before - self.held;
        self.fed += bytes.len();
        forget_peak();
        self.turn(&mut input);
        self.most = self.most.max(owned(peak() - before - buffer));
        drop(input);
        self.held = live() - before;

        let (fed, most, held) = (self.fed, self.most, self.held);
        assert!(most <= 3 * fed + 64 * 1024, "fed {fed} bytes, it held {most} at once");
        assert!(held <= (2 * fed + 8 * 1024) as isize, "fed {fed} bytes, it holds {held}");
    }

    /// Feeds it `bytes` in reads of this many.
    pub(crate) fn feed_in(&mut self, step: usize, bytes: &[u8]) {
        bytes.chunks(step).for_each(|piece| self.feed(piece));
    }

    pub(crate) fn end_of_input(&mut self) {
        self.connection.end_of_input(Timestamp::default());
        self.feed(b"");
    }

    /// Hears what there is to hear, lets the transport take what it takes, and hears what came of that.
    fn turn(&mut self, input: &mut BytesMut) {
        self.hear(input);
        loop {
            let mut output = self.connection.output(Timestamp::default());
            let shown = match self.takes {
                Takes::All => output.remaining(),
                Takes::OneByte => output.remaining().min(1),
                Takes::Nothing => 0,
            };
            output.advance(shown);
            if shown == 0 || self.takes == Takes::OneByte {
                break;
            }
        }
        self.hear(input);
        let transport = self.connection.transport();
        assert_eq!(self.end.is_some(), matches!(transport, Transport::Close | Transport::Abort));
    }

    fn hear(&mut self, input: &mut BytesMut) {
        let now = Timestamp::default();
        while let Some(event) = self.connection.poll_event(input, now) {
            match event {
                Event::Request(_) => {
                    self.connection.accept(&Accept::new(OriginPolicy::Any), now).unwrap();
                }
                Event::Message(_) => self.messages += 1,
                Event::Closed(close) => self.end = Some((close.cause(), close.sent())),
                _ => {}
            }
        }
        assert!(input.is_empty() || !self.connection.wants_read(), "input is left over");
    }
}

fn owned(bytes: isize) -> usize {
    usize::try_from(bytes.max(0)).unwrap_or_default()
}

/// Sees to it that this thread has the buffers that it keeps for all its connections.
pub(crate) fn warm_up() {
    let now = Timestamp::default();
    let config = Arc::new(Config::default());
    let mut connection = Connection::upgraded(Role::Server, Agreement::default(), config, [7; 32], now);
    let message = connection.poll_event(&mut BytesMut::from(&b"\x82\x81\0\0\0\0a"[..]), now);
    assert!(matches!(message, Some(Event::Message(_))));
    connection.send("a").unwrap();
    let mut output = connection.output(now);
    output.advance(output.remaining());
}
