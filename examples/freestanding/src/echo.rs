//! One connection on standard input and output, from its first byte to its last: everything that the core's owner has to do.

use alloc::string::ToString;
use alloc::sync::Arc;
use core::time::Duration;

use bytes::{Buf, BytesMut};
use websocket_proto::{
    Accept, CloseEvent, Config, Connection, Event, Heartbeat, Message, OriginPolicy, Timestamp, Transport,
};

use crate::{heap, sys};

/// How much to read at once. Nothing more is read until all that was answered is written, so this bounds how many answers
/// wait: an empty message is 6 bytes of input, and its answer takes up to 100 bytes of heap until it is written.
const READ_SIZE: usize = 1024;

/// The defaults are for servers with memory to spare; these are for 64 KiB. The README says what they come to.
fn config() -> Config {
    let mut config = Config::default();
    config.max_message_size = Some(8 * 1024);
    config.max_head_size = 4 * 1024;
    // Never reached: the queue is empty whenever something is read, and what is read at once ends one message of the largest
    // size and brings less than a thousand bytes more. So no answer is refused while the connection is open.
    config.output_high_water = 64 * 1024;
    // Answers larger than this go out in fragments.
    config.max_outgoing_frame = 1024;
    // Shorter than the defaults, for whoever watches.
    config.handshake_timeout = Duration::from_secs(5);
    config.heartbeat = Some(Heartbeat::new(Duration::from_secs(5), Duration::from_secs(5)));
    config
}

fn now() -> Timestamp {
    Timestamp::from_duration(sys::monotonic())
}

pub(crate) struct Echo {
    connection: Connection,
    /// Allocated once. Whenever it is read into it is empty, as what must be kept of it is kept by the connection.
    input: BytesMut,
    input_ended: bool,
    output_ended: bool,
    closed: Option<CloseEvent>,
}

impl Echo {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            connection: Connection::server(Arc::new(config()), seed, now()),
            input: BytesMut::with_capacity(READ_SIZE),
            input_ended: false,
            output_ended: false,
            closed: None,
        }
    }

    /// Serves the connection until it has ended. The events, the output, the transport and the time, in this order: that is
    /// the order in which the core wants to be asked.
    pub(crate) fn run(mut self) -> Option<CloseEvent> {
        loop {
            self.handle_events();
            let all_written = self.write();
            match self.connection.transport() {
                Transport::Open => {}
                Transport::HalfClose if self.output_ended => {}
                Transport::HalfClose => {
                    sys::end_output();
                    self.output_ended = true;
                }
                Transport::Close => break,
                Transport::Abort => {
                    sys::reset_at_exit();
                    break;
                }
            }
            self.wait(all_written);
            self.connection.handle_timeout(now());
        }
        // Where the last write ended it, the event that says so is still to come.
        self.handle_events();
        self.closed
    }

    fn handle_events(&mut self) {
        while let Some(event) = self.connection.poll_event(&mut self.input, now()) {
            self.handle(event);
        }
    }

    fn handle(&mut self, event: Event) {
        let answer = match event {
            Event::Request(_) => {
                // Any page may have its own words back.
                let accepted = self.connection.accept(&Accept::new(OriginPolicy::Any), now());
                debug_assert!(accepted.is_ok(), "a request waits, and no subprotocol was chosen");
                return;
            }
            Event::Message(message) if message.as_text() == Some("/heap") => {
                let usage = heap::usage(); // before the text takes its part
                Message::from(usage.to_string())
            }
            // The same bytes go back, not a copy.
            Event::Message(message) => message,
            Event::Closed(closed) => {
                self.closed = Some(closed);
                return;
            }
            _ => return,
        };
        // It is refused once the connection is closing, when nobody waits for it any more.
        let _ = self.connection.send(answer);
    }

    /// Writes what can be written without waiting. Whether that was all.
    fn write(&mut self) -> bool {
        loop {
            let mut output = self.connection.output(now());
            if !output.has_remaining() {
                return true;
            }
            match sys::try_write(output.chunk()) {
                Ok(0) => return false,
                Ok(count) => output.advance(count),
                Err(error) if error.is_temporary() => return false,
                Err(error) => self.connection.write_failed(error.into(), now()),
            }
        }
    }

    /// Waits until there is something to do, and reads what has arrived.
    fn wait(&mut self, all_written: bool) {
        let reading = all_written && !self.input_ended && self.connection.wants_read();
        let time = self.connection.poll_timeout().map(|at| at.saturating_duration_since(now()));
        match sys::wait(reading, !all_written, time) {
            Ok(ready) if ready.input => self.read(),
            Ok(_) => {}
            Err(error) if error.is_temporary() => {}
            Err(error) => self.input_failed(error),
        }
    }

    fn read(&mut self) {
        self.input.resize(READ_SIZE, 0);
        let result = sys::read(&mut self.input);
        self.input.truncate(result.unwrap_or(0));
        match result {
            Ok(0) => {
                self.input_ended = true;
                self.connection.end_of_input(now());
            }
            Ok(_) => {}
            Err(error) if error.is_temporary() => {}
            Err(error) => self.input_failed(error),
        }
    }

    fn input_failed(&mut self, error: sys::Errno) {
        self.input_ended = true;
        self.connection.read_failed(error.into(), now());
    }
}
