//! All connections of a server, to end them together.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::time::{Instant, timeout_at};

use super::WebSocketStream;
use super::mailbox::Mailbox;
use crate::close::CloseFrame;
use crate::event::CloseEvent;

/// The connections of a server that goes away some day: each is added with a label, such as the peer's address, and
/// [`shutdown`](Self::shutdown) closes them all and reports those that did not make it.
///
/// The tasks that drive the sockets need not know of it: for them the connection ends, as if they had begun to close it
/// themselves. Until then they go on reading, and what they send is refused with [`Error::NotOpen`](crate::Error::NotOpen).
/// A task that stops at this must [`close`](WebSocketStream::close) its socket, as a good one does anyway, and not drop it:
/// what the peer has still to say would be left unread.
///
/// Clones share their connections.
///
/// ```
/// use std::net::SocketAddr;
/// use std::time::Duration;
/// use futures_util::StreamExt;
/// use websocket_proto::{CloseCode, CloseFrame, CloseFrameError};
/// use websocket_proto::tokio::{Connections, WebSocketStream};
///
/// async fn serve(
///     mut socket: WebSocketStream<tokio::net::TcpStream>,
///     peer: SocketAddr,
///     connections: Connections<SocketAddr>,
/// ) {
///     let _registered = connections.add(peer, &mut socket);
///     while let Some(Ok(message)) = socket.next().await {
///         println!("{peer}: {message:?}");
///     }
/// }
///
/// /// When nobody is accepted any more.
/// async fn restart(connections: &Connections<SocketAddr>) -> Result<(), CloseFrameError> {
///     let frame = CloseFrame::new(CloseCode::SERVICE_RESTART, "back in a moment")?;
///     let report = connections.shutdown(frame, Duration::from_secs(10)).await;
///     for peer in report.unfinished {
///         println!("{peer} is cut off");
///     }
///     Ok(())
/// }
/// ```
pub struct Connections<T>(Arc<Mutex<Registry<T>>>);

struct Registry<T> {
    members: BTreeMap<u64, Member<T>>,
    next: u64,
    /// The server goes away: whoever comes now is closed with this.
    closing: Option<CloseFrame>,
}

struct Member<T> {
    label: T,
    socket: Arc<Mailbox>,
}

/// A place among [`Connections`], which is given up when this is dropped: keep it as long as the socket.
///
/// ```
/// use websocket_proto::tokio::{Connections, Registered};
///
/// /// What a task keeps for one user.
/// struct Session {
///     user: String,
///     _registered: Registered<String>,
/// }
/// ```
#[must_use = "dropped, it gives up the place"]
pub struct Registered<T> {
    connections: Connections<T>,
    number: u64,
}

/// What came of a [`shutdown`](Connections::shutdown).
///
/// ```
/// use websocket_proto::tokio::ShutdownReport;
///
/// fn made_it(report: &ShutdownReport<String>) -> bool {
///     report.unclean.is_empty() && report.unfinished.is_empty()
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct ShutdownReport<T> {
    /// How many of those that were waited for ended with a closing handshake.
    pub clean: usize,
    /// Those that ended otherwise, for instance as the peer did not answer within
    /// [`Config::close_timeout`](crate::Config::close_timeout); without an event where the task dropped the socket first.
    pub unclean: Vec<(T, Option<CloseEvent>)>,
    /// Those that had not ended by the deadline: their tasks do something else. They close once they are polled again.
    pub unfinished: Vec<T>,
}

impl<T> Connections<T> {
    /// None, so far.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Registry { members: BTreeMap::new(), next: 0, closing: None })))
    }

    fn lock(&self) -> MutexGuard<'_, Registry<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection. During and after a shutdown it is closed at once.
    pub fn add<S>(&self, label: T, socket: &mut WebSocketStream<S>) -> Registered<T>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let socket = socket.mailbox();
        let mut registry = self.lock();
        if let Some(frame) = &registry.closing {
            socket.request_close(frame.clone());
        }
        let number = registry.next;
        registry.next = number.saturating_add(1);
        registry.members.insert(number, Member { label, socket });
        drop(registry);
        Registered { connections: self.clone(), number }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().members.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Closes all connections with `frame`, behind what was sent over them, and waits until they have ended, for at most so
    /// long. [`CloseCode::SERVICE_RESTART`](crate::CloseCode::SERVICE_RESTART) tells clients to come back,
    /// [`GOING_AWAY`](crate::CloseCode::GOING_AWAY) that this server will not.
    ///
    /// Stop accepting first: a connection that is added meanwhile is closed, too, and waited for. If the future is dropped, the
    /// connections close all the same, and nobody reports.
    pub async fn shutdown(&self, frame: CloseFrame, within: Duration) -> ShutdownReport<T> {
        let deadline = Instant::now().checked_add(within);
        let mut report = ShutdownReport { clean: 0, unclean: Vec::new(), unfinished: Vec::new() };
        loop {
            let members = self.close_all(&frame);
            if members.is_empty() {
                return report;
            }
            for (_, Member { label, socket }) in members {
                let ended = match deadline {
                    Some(deadline) => timeout_at(deadline, socket.ended()).await.ok(),
                    None => Some(socket.ended().await),
                };
                match ended {
                    Some(Some(close)) if close.was_clean() => report.clean = report.clean.saturating_add(1),
                    Some(close) => report.unclean.push((label, close)),
                    None => report.unfinished.push(label),
                }
            }
        }
    }

    /// Has all closed that are here, and those that come, and takes them out.
    fn close_all(&self, frame: &CloseFrame) -> BTreeMap<u64, Member<T>> {
        let mut registry = self.lock();
        registry.closing = Some(frame.clone());
        let members = core::mem::take(&mut registry.members);
        drop(registry);
        for member in members.values() {
            member.socket.request_close(frame.clone());
        }
        members
    }
}

impl<T> Clone for Connections<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Connections<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for Registered<T> {
    fn drop(&mut self) {
        self.connections.lock().members.remove(&self.number);
    }
}

impl<T> fmt::Debug for Connections<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Registered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered").finish_non_exhaustive()
    }
}
