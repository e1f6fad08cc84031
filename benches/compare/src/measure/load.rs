//! The load generator: the same for every server. It checks every byte that comes back.

use std::net::{Ipv4Addr, SocketAddrV4};

use bytes::{Buf, BytesMut};
use futures_util::future::try_join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::{
    peers::{Failure, Outcome},
    work::frames,
};

/// How much is read at once.
const READ: usize = 64 * 1024;

/// What a burst consists of.
pub(super) struct Burst {
    question: Vec<u8>,
    /// One message of the answer.
    answer: Vec<u8>,
    messages: usize,
}

impl Burst {
    /// `depth` messages of `size` bytes. A server that only echoes bytes sends back what it got, any other one frames that
    /// are not masked.
    pub(super) fn new(size: usize, depth: usize, echoes_bytes: bool) -> Self {
        let payload: Vec<u8> = (0..size).map(|index| (index * 31 + index / 256) as u8).collect();
        let question = frames::masked(&payload);
        let answer = if echoes_bytes { question.clone() } else { frames::unmasked(&payload) };
        Self { question: question.repeat(depth), answer, messages: depth }
    }
}

/// One connection.
struct Client {
    stream: TcpStream,
    /// What was read and not compared yet.
    input: BytesMut,
}

impl Client {
    /// Sends all of a burst at once and waits for all of the answer.
    async fn run(&mut self, burst: &Burst) -> Outcome {
        let Self { stream, input } = self;
        let (mut reader, mut writer) = stream.split();
        let read = async {
            let mut expected = Expected { message: &burst.answer, at: 0, left: burst.messages };
            while expected.left > 0 {
                input.reserve(READ.min(burst.answer.len() * burst.messages));
                if reader.read_buf(input).await? == 0 {
                    return Err("the server has closed the connection".into());
                }
                expected.compare(input)?;
            }
            Ok::<_, Failure>(())
        };
        let write = async { Ok(writer.write_all(&burst.question).await?) };
        futures_util::future::try_join(write, read).await?;
        Ok(())
    }
}

/// What is still to come: the same message, some more times.
struct Expected<'a> {
    message: &'a [u8],
    /// How much of it has come.
    at: usize,
    left: usize,
}

impl Expected<'_> {
    /// Takes from `input` what is as expected, and the Pings of a server that has a heartbeat, which come between messages.
    fn compare(&mut self, input: &mut BytesMut) -> Outcome {
        while self.left > 0 && !input.is_empty() {
            if self.at == 0 && input[0] == PING {
                let Some(length) = input.get(1).map(|length| 2 + usize::from(*length)) else { break };
                if input.len() < length {
                    break;
                }
                input.advance(length);
                continue;
            }
            let rest = &self.message[self.at..];
            let length = rest.len().min(input.len());
            if rest[..length] != input[..length] {
                let (at, left, head) = (self.at, self.left, &input[..length.min(16)]);
                return Err(format!("wrong from byte {at} of an answer, {left} to go: {head:x?}").into());
            }
            input.advance(length);
            self.at += length;
            if self.at == self.message.len() {
                (self.at, self.left) = (0, self.left - 1);
            }
        }
        Ok(())
    }
}

/// How a Ping begins.
const PING: u8 = 0x89;

/// Clients of one server.
pub(super) struct Clients {
    clients: Vec<Client>,
}

impl Clients {
    /// Opens `count` connections, from several addresses of the loopback network, since one has too few ports for many.
    pub(super) async fn connect(port: u16, count: usize) -> Result<Self, Failure> {
        let mut clients = Vec::with_capacity(count);
        for index in 0..count {
            let socket = TcpSocket::new_v4()?;
            let last = u8::try_from(1 + index % 8)?;
            socket.bind(SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, last), 0).into())?;
            let stream = socket.connect(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into()).await?;
            stream.set_nodelay(true)?;
            // It ends with a reset: thousands of ports that wait before they are used again would make each next one a search.
            stream.set_zero_linger()?;
            clients.push(Client { stream, input: BytesMut::new() });
        }
        Ok(Self { clients })
    }

    /// Bursts on all at once, until `enough` of them have been answered on each; says how many messages those were.
    pub(super) async fn bursts(&mut self, burst: &Burst, enough: usize) -> Result<usize, Failure> {
        let each = self.clients.iter_mut().map(|client| async {
            for _ in 0..enough {
                client.run(burst).await?;
            }
            Ok::<_, Failure>(enough * burst.messages)
        });
        Ok(try_join_all(each).await?.into_iter().sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(input: &[u8]) -> (usize, usize, Result<(), String>) {
        let mut expected = Expected { message: b"\x82\x01a", at: 0, left: 2 };
        let mut input = BytesMut::from(input);
        let result = expected.compare(&mut input).map_err(|failure| failure.to_string());
        (expected.left, input.len(), result)
    }

    #[test]
    fn pings_between_messages_are_skipped() {
        assert_eq!(compare(b"\x89\x02hi\x82\x01a\x89\0\x82\x01a"), (0, 0, Ok(())));
    }

    #[test]
    fn what_is_cut_off_is_kept() {
        assert_eq!(compare(b"\x82\x01a\x89\x02h"), (1, 3, Ok(())));
        assert_eq!(compare(b"\x82\x01a\x82"), (1, 0, Ok(())));
    }

    #[test]
    fn a_wrong_byte_is_found() {
        let (_, _, result) = compare(b"\x82\x01a\x82\x01b");
        assert!(result.unwrap_err().starts_with("wrong from byte 0 of an answer, 1 to go"));
        assert!(compare(b"\x82\x89").2.is_err());
    }
}
