//! A tokio task that owns a machine: what the README's loop for a runtime of one's own becomes there, for an echo. It has all
//! that the adapter has to have: a clock, a timer, back-pressure, and a buffer that an idle task gives away.

use std::{
    cell::Cell,
    future::poll_fn,
    io::{self, ErrorKind, IoSlice},
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use ::tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    time::{Instant, sleep_until},
};
use ::websocket_proto::{Connection, Event, Timestamp, Transport};
use bytes::{Buf, BytesMut};

use super::super::{Failure, Outcome};

/// How much to read at once.
const READ: usize = 64 * 1024;

/// Where there is no deadline.
const FAR_AWAY: Duration = Duration::from_secs(3600);

thread_local! {
    /// The input buffer of the task that waited last.
    static SPARE: Cell<Option<BytesMut>> = const { Cell::new(None) };
}

/// What the task owns. (Arguments of an `async fn` would lie in its future twice.)
pub(super) struct Owner {
    io: TcpStream,
    connection: Connection,
    origin: Instant,
}

impl Owner {
    pub(super) fn new(io: TcpStream, connection: Connection) -> Self {
        Self { io, connection, origin: Instant::now() }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_duration(self.origin.elapsed())
    }

    fn deadline(&self) -> Instant {
        let deadline = self.connection.poll_timeout();
        self.origin + deadline.map_or(FAR_AWAY, |deadline| Duration::from_nanos(deadline.as_nanos()))
    }

    pub(super) async fn echo(&mut self) -> Outcome {
        let mut timer = pin!(sleep_until(self.deadline()));
        loop {
            let read = poll_fn(|cx| match poll_read(&mut self.io, cx) {
                Poll::Ready(read) => Poll::Ready(Some(read)),
                Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
            })
            .await;
            let now = self.now();
            let Some((result, input)) = read else {
                self.connection.handle_timeout(now);
                self.write(now).await?;
                // It may have fired early: a deadline that moves away does not move it.
                timer.as_mut().reset(self.deadline());
                continue;
            };
            match result {
                Ok(0) => self.connection.end_of_input(now),
                Ok(_) => {}
                Err(error) => self.connection.read_failed(error.kind().into(), now),
            }
            if self.take_in(input, now).await? {
                return Ok(());
            }
        }
    }

    /// Whether that was the end.
    async fn take_in(&mut self, mut input: BytesMut, mut now: Timestamp) -> Result<bool, Failure> {
        loop {
            answer(&mut self.connection, &mut input, now)?;
            self.write(now).await?;
            if matches!(self.connection.transport(), Transport::Close | Transport::Abort) {
                return Ok(true);
            }
            if input.is_empty() {
                SPARE.set(Some(input));
                return Ok(false);
            }
            now = self.now();
        }
    }

    async fn write(&mut self, now: Timestamp) -> Outcome {
        while !write_some(&self.io, &mut self.connection, now)? {
            self.io.writable().await?;
        }
        Ok(())
    }
}

/// Reads into the buffer that lies ready, which whoever has read something takes along.
fn poll_read(io: &mut TcpStream, cx: &mut Context<'_>) -> Poll<(io::Result<usize>, BytesMut)> {
    let mut input = SPARE.take().unwrap_or_else(|| BytesMut::with_capacity(READ));
    input.reserve(READ);
    match pin!(io.read_buf(&mut input)).poll(cx) {
        Poll::Ready(result) => Poll::Ready((result, input)),
        Poll::Pending => {
            SPARE.set(Some(input));
            Poll::Pending
        }
    }
}

/// Sends back what is in `input`, as far as there is room for answers.
fn answer(connection: &mut Connection, input: &mut BytesMut, now: Timestamp) -> Outcome {
    while connection.send_capacity() > 0 {
        match connection.poll_event(input, now) {
            Some(Event::Message(message)) => connection.send(message)?,
            Some(_) => {}
            None => break,
        }
    }
    Ok(())
}

/// Whether all is written.
fn write_some(io: &TcpStream, connection: &mut Connection, now: Timestamp) -> Result<bool, Failure> {
    loop {
        let mut output = connection.output(now);
        if !output.has_remaining() {
            return Ok(true);
        }
        let first = output.chunk();
        let written = if first.len() == output.remaining() {
            io.try_write(first)
        } else {
            let mut slices = [IoSlice::new(&[]); 16];
            let filled = output.chunks_vectored(&mut slices);
            io.try_write_vectored(&slices[..filled])
        };
        match written {
            Ok(count) => output.advance(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}
