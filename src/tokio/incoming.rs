//! The server's side of the opening handshake.

use alloc::sync::Arc;
use core::future::poll_fn;
use core::pin::Pin;

use ::tokio::io::{AsyncRead, AsyncWrite};
use futures_sink::Sink;

use super::WebSocketStream;
use crate::adapter::{Asked, Error, seed};
use crate::config::Config;
use crate::connection::Connection;
use crate::event::CloseEvent;
use crate::state::State;
use crate::time::Timestamp;
use crate::upgrade::{Accept, HttpRequest, Reject, Request};

/// A request that waits for the application's decision, for at most
/// [`Config::decision_timeout`](crate::Config::decision_timeout).
///
/// Dropping it answers 503 in one write attempt.
///
/// ```no_run
/// use std::sync::Arc;
/// use websocket_proto::{Accept, Config, OriginPolicy, Reject, tokio::accept};
///
/// # async fn serve(tcp: tokio::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
/// let incoming = accept(tcp, Arc::new(Config::default())).await?;
/// match incoming.request() {
///     Some(request) if request.path() == "/chat" => {
///         let _socket = incoming.accept(&Accept::new(OriginPolicy::SameHost)).await?;
///     }
///     _ => {
///         incoming.reject(&Reject::new(404)?.body("nothing here\n")).await?;
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Incoming<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    socket: WebSocketStream<S>,
    asked: Asked,
}

/// Reads the request of the client at the other end of `io`. Requests that break the rules are answered here.
///
/// On a `TcpStream` it sets `TCP_NODELAY`, since messages are written whole.
///
/// # Errors
/// [`Error::Closed`] if no valid request comes, or none within [`Config::handshake_timeout`].
pub async fn accept<S>(io: S, config: Arc<Config>) -> Result<Incoming<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let mut socket = WebSocketStream::new(io, Connection::server(config, seed()?, Timestamp::default()));
    loop {
        let event = socket.next_event().await;
        if let Some(asked) = socket.driver.asked(event) {
            return Ok(Incoming { asked: asked?, socket });
        }
    }
}

impl<S> Incoming<S>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    /// The request, if it asks for an upgrade.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        self.asked.request()
    }

    /// The request, if it asks for no upgrade; only with [`Config::http_requests`].
    #[must_use]
    pub fn http_request(&self) -> Option<&HttpRequest> {
        self.asked.http_request()
    }

    /// The transport, for instance for the peer's address.
    #[must_use]
    pub fn get_ref(&self) -> Option<&S> {
        self.socket.get_ref()
    }

    /// Accepts the upgrade and writes the answer.
    ///
    /// # Errors
    /// [`Error::Misuse`] if it is no upgrade request or the subprotocol was not offered, after answering 503;
    /// [`Error::Closed`] if the policy does not allow the request's Origin, after answering 403.
    pub async fn accept(mut self, accept: &Accept) -> Result<WebSocketStream<S>, Error> {
        let now = self.socket.now();
        self.socket.driver.connection.accept(accept, now)?;
        if self.socket.state() != State::Open {
            return Err(Error::Closed(self.finish().await));
        }
        poll_fn(|cx| Pin::new(&mut self.socket).poll_flush(cx)).await?;
        Ok(self.socket)
    }

    /// Answers with something other than an upgrade, and drives the connection to its end.
    ///
    /// # Errors
    /// [`Error::Misuse`] if the status does not fit the request, after answering 503.
    pub async fn reject(mut self, reject: &Reject) -> Result<CloseEvent, Error> {
        let now = self.socket.now();
        self.socket.driver.connection.reject(reject, now)?;
        Ok(self.finish().await)
    }

    async fn finish(&mut self) -> CloseEvent {
        self.socket.close(None).await
    }
}
