//! The load generator: the same for every server. It checks every byte that comes back.

use std::net::{Ipv4Addr, SocketAddrV4};

use futures_util::future::try_join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::{peers::Failure, work::frames};

/// What a burst consists of.
pub(super) struct Burst {
    question: Vec<u8>,
    answer: Vec<u8>,
    messages: usize,
}

impl Burst {
    /// `depth` messages of `size` bytes. A server that only echoes bytes sends back what it got, any other one frames that
    /// are not masked.
    pub(super) fn new(size: usize, depth: usize, echoes_bytes: bool) -> Self {
        let payload: Vec<u8> = (0..size).map(|index| (index * 31 + index / 256) as u8).collect();
        let question = frames::masked(&payload).repeat(depth);
        let answer = if echoes_bytes { question.clone() } else { frames::unmasked(&payload).repeat(depth) };
        Self { question, answer, messages: depth }
    }

    /// Sends all of it at once and waits for all of the answer.
    async fn run(&self, stream: &mut TcpStream, buffer: &mut [u8]) -> Result<usize, Failure> {
        let (mut reader, mut writer) = stream.split();
        let read = async {
            let mut rest = &self.answer[..];
            while !rest.is_empty() {
                let room = rest.len().min(buffer.len());
                let count = reader.read(&mut buffer[..room]).await?;
                if count == 0 {
                    return Err("the server has closed the connection".into());
                }
                rest = rest.strip_prefix(&buffer[..count]).ok_or("the answer is wrong")?;
            }
            Ok::<_, Failure>(())
        };
        let write = async { Ok(writer.write_all(&self.question).await?) };
        futures_util::future::try_join(write, read).await?;
        Ok(self.messages)
    }
}

/// Clients of one server.
pub(super) struct Clients {
    streams: Vec<TcpStream>,
}

impl Clients {
    /// Opens `count` connections, from several addresses of the loopback network, since one has too few ports for many.
    pub(super) async fn connect(port: u16, count: usize) -> Result<Self, Failure> {
        let mut streams = Vec::with_capacity(count);
        for index in 0..count {
            let socket = TcpSocket::new_v4()?;
            let last = u8::try_from(1 + index % 8)?;
            socket.bind(SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, last), 0).into())?;
            let stream = socket.connect(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port).into()).await?;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        Ok(Self { streams })
    }

    /// Bursts on all at once, until `enough` of them have been answered on each; says how many messages those were.
    pub(super) async fn bursts(&mut self, burst: &Burst, enough: usize) -> Result<usize, Failure> {
        let each = self.streams.iter_mut().map(|stream| async {
            let mut buffer = vec![0; (64 * 1024).min(burst.answer.len())];
            let mut messages = 0;
            for _ in 0..enough {
                messages += burst.run(stream, &mut buffer).await?;
            }
            Ok::<_, Failure>(messages)
        });
        Ok(try_join_all(each).await?.into_iter().sum())
    }
}
