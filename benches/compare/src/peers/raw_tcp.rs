//! No WebSocket at all: a task that writes back what it reads. What the others need beside this is theirs.

use std::{cell::RefCell, future::poll_fn, pin::Pin, task::ready};

use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};

use super::{About, Answering, Failure, Peer, Shape, serving};

pub(crate) struct RawTcp;

/// Enough for a message of the largest size.
const BUFFER: usize = 64 * 1024;

thread_local! {
    /// One for all tasks, so that an idle one is a bare task with a socket.
    static SHARED: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into());
}

impl Peer for RawTcp {
    fn about(&self) -> About {
        About { name: "raw-tcp", package: "tokio", shape: Shape::Async, lacks: Some("all of it") }
    }

    fn answers(&self) -> &'static [Answering] {
        &[Answering::Each]
    }

    fn serve(&self, mut io: TcpStream, _: Answering) -> Result<usize, Failure> {
        serving::spawn(async move {
            loop {
                // Reads, and writes at once what the transport takes: all of it, as long as the other side reads.
                let rest = poll_fn(|cx| {
                    SHARED.with_borrow_mut(|buffer| {
                        let mut buffer = ReadBuf::new(buffer);
                        ready!(Pin::new(&mut io).poll_read(cx, &mut buffer))?;
                        let count = match io.try_write(buffer.filled()) {
                            Ok(count) => count,
                            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => 0,
                            Err(error) => return Err(error).into(),
                        };
                        let rest = (!buffer.filled().is_empty()).then(|| buffer.filled()[count..].to_vec());
                        Ok(rest).into()
                    })
                })
                .await?;
                match rest {
                    Some(rest) => io.write_all(&rest).await?,
                    None => return Ok(()),
                }
            }
        })
    }
}
