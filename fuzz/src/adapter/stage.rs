//! What a script does to a socket, and what is made of each poll.

use std::io::ErrorKind;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, advance};
use websocket_proto::tokio::WebSocketStream;
use websocket_proto::{Error, Role, SendError, State, Timestamp};

use super::ledger::Ledger;
use super::script::{Act, Session, Wish};
use super::scripted::{Remote, scripted};
use super::socket::{News, Socket};
use super::tasks::Tasks;
use crate::player::UNIT;
use crate::scene::{Decision, Opening, Scene};

pub(super) struct Stage {
    socket: Option<Socket>,
    pub(super) remote: Remote,
    pub(super) tasks: Tasks,
    pub(super) ledger: Ledger,
    pub(super) stream: Vec<u8>,
    /// How much of the stream arrived, and whether anything may still.
    pub(super) pushed: usize,
    pub(super) input_ended: bool,
    /// The sink said that it is ready.
    promised: bool,
    /// When it was first seen not to be open any more.
    pub(super) closing_since: Option<Instant>,
    pub(super) close_timeout: Duration,
}

/// More polls than any amount of bytes here takes.
pub(super) const BUSY: usize = 40_000;

impl Stage {
    pub(super) fn new(session: &Session) -> Self {
        let scene = Scene {
            opening: Opening::Upgraded,
            decision: Decision::Accept,
            echo: false,
            settings: session.settings,
        };
        let (io, remote) = scripted();
        let socket = WebSocketStream::new(io, scene.connection(session.role, Timestamp::default()));
        let stream = session.stream.build(session.role == Role::Server);
        Self {
            socket: Some(Socket::new(socket, session.in_halves)),
            remote,
            tasks: Tasks::new(),
            ledger: Ledger::new(session.role, &stream),
            stream,
            pushed: 0,
            input_ended: false,
            promised: false,
            closing_since: None,
            close_timeout: session.settings.config().close_timeout,
        }
    }

    pub(super) fn socket(&mut self) -> &mut Socket {
        self.socket.as_mut().expect("a socket")
    }

    pub(super) async fn play(&mut self, act: Act, number: u8) {
        let is_odd = number % 2 == 1;
        match act {
            Act::Poll(wish) => {
                self.poll(wish);
            }
            Act::Run => self.run(),
            Act::StartSend => self.start_send(usize::from(number) * 20),
            Act::TrySend => self.try_send(usize::from(number) * 20),
            Act::Ping => {
                let result = self.socket().ping(&vec![b'p'; usize::from(number)]);
                assert!(result.is_err() || number <= 125);
                self.tasks.something_was_done();
            }
            Act::TakeApart => self.take_apart(),
            Act::Push => self.push(if number == u8::MAX { usize::MAX } else { usize::from(number) }),
            Act::End => {
                self.remote.end();
                self.input_ended = true;
            }
            Act::FailRead => {
                self.remote.fail_read(ErrorKind::ConnectionReset);
                self.input_ended = true;
            }
            Act::ReadIn => self.remote.read_in(&turns(number)),
            Act::WriteIn => self.remote.write_in(&turns(number)),
            Act::Room => self.remote.set_room((number != u8::MAX).then_some(usize::from(number))),
            Act::FailWrites => self.remote.fail_writes(ErrorKind::BrokenPipe),
            Act::KeepBack => self.remote.keep_back(),
            Act::BlockFlush => self.remote.block_flush(is_odd),
            Act::FailFlushes => self.remote.fail_flushes(ErrorKind::BrokenPipe),
            Act::BlockShutdown => self.remote.block_shutdown(is_odd),
            Act::Pass => advance(UNIT * u32::from(number)).await,
        }
    }

    pub(super) fn push(&mut self, count: usize) {
        let count = count.min(self.stream.len() - self.pushed);
        // A read of nothing is an end.
        if !self.input_ended && count > 0 {
            self.remote.push(&self.stream[self.pushed..][..count]);
            self.pushed += count;
        }
    }

    fn start_send(&mut self, len: usize) {
        if !std::mem::take(&mut self.promised) {
            return;
        }
        let message = self.ledger.compose(true, len);
        match self.socket().start_send(message.clone()) {
            Ok(()) => self.ledger.said(true, message),
            Err(error) => {
                assert!(self.socket().state() > State::Open, "refused what was promised: {error}");
            }
        }
        self.tasks.something_was_done();
    }

    fn try_send(&mut self, len: usize) {
        let message = self.ledger.compose(false, len);
        match self.socket().try_send(message.clone()) {
            Ok(()) => self.ledger.said(false, message),
            Err(error) => {
                assert!(matches!(&error, SendError::Full(_)) || self.socket().state() > State::Open);
                assert_eq!(error.into_inner(), message);
            }
        }
        // The first one makes the queue, of which nobody who sleeps already can know.
        self.tasks.something_was_done();
    }

    fn take_apart(&mut self) {
        if self.socket().state() == State::Closed {
            return;
        }
        self.promised = false;
        self.socket = self.socket.take().and_then(Socket::take_apart);
        assert!(self.socket.is_some(), "it has not ended");
        self.tasks.forget();
    }

    // Polling.

    /// Polls once; whether it is still waited for.
    pub(super) fn poll(&mut self, wish: Wish) -> bool {
        self.ledger.may_drop |= matches!(wish, Wish::Close | Wish::SinkClose);
        let Self { socket, tasks, .. } = self;
        let socket = socket.as_mut().expect("a socket");
        let polled = tasks.poll(wish, |cx| socket.poll(wish, cx));
        self.collect();
        let Poll::Ready(news) = polled else { return true };
        let known = self.socket().close_event();
        match (news, wish) {
            (News::Message(message), _) => self.ledger.hear(&message),
            (News::Control, _) => {}
            (News::End(close), _) => self.ledger.hear_end(&close, known.as_ref()),
            (News::Nothing, _) => self.ledger.hear_nothing(known.as_ref()),
            (News::Closed(close), _) => assert_eq!(Some(close), known),
            (News::Done(Ok(())), Wish::Ready) => {
                assert_eq!(self.socket().state(), State::Open);
                self.promised = true;
            }
            (News::Done(Ok(())), Wish::Flush) => self.ledger.check_flushed(),
            (News::Done(Ok(())), _) => assert!(known.is_some_and(|close| close.was_clean())),
            (News::Done(Err(Error::Closed(close))), _) => assert_eq!(Some(close), known),
            (News::Done(Err(Error::NotOpen(state))), _) => assert_eq!(state, self.socket().state()),
            (News::Done(Err(error)), _) => panic!("{error}"),
        }
        false
    }

    fn collect(&mut self) {
        let written = self.remote.written();
        self.ledger.wrote(&written);
        self.tasks.written += written.len();
    }

    /// Lets whoever was woken poll again.
    pub(super) fn run(&mut self) {
        for _ in 0..BUSY {
            let Some(wish) = self.tasks.next_woken() else { return };
            self.poll(wish);
        }
        panic!("they never rest");
    }
}

/// A few bytes, or nothing for once, and mostly as many as there are after that: a script is no place to wait for a
/// megabyte.
fn turns(number: u8) -> Vec<usize> {
    let few = usize::from(number % 16) + 1;
    let wait = if number & 0x10 == 0 { few } else { 0 };
    if number < 0x80 {
        vec![few, wait, few + usize::from(number / 32), usize::MAX]
    } else {
        vec![few + 8, wait]
    }
}
