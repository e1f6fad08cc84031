//! tokio-websockets, asynchronous.
//!
//! Features: `server`, and `sha1_smol`, which its documentation names where no TLS is needed; SHA-1 is for the handshake
//! only. Its SIMD unmasking and UTF-8 validation are always built in and chosen at run time (`nightly` adds targets that
//! need a nightly compiler). Configuration and limits: the defaults.

use futures_util::StreamExt;
use tokio_websockets::ServerBuilder;

use super::{Failure, Peer, Received};
use crate::transport::{Transport, block_on};

pub(crate) struct TokioWebsockets;

impl Peer for TokioWebsockets {
    fn name(&self) -> &'static str {
        "tokio-websockets"
    }

    fn package(&self) -> &'static str {
        "tokio-websockets"
    }

    fn receive(
        &self,
        transport: Transport<'_>,
        count: usize,
        each: &mut dyn FnMut(Received<'_>),
    ) -> Result<(), Failure> {
        block_on(async {
            let mut stream = ServerBuilder::new().serve(transport);
            for _ in 0..count {
                let message = stream.next().await.ok_or("the stream ended")??;
                if let Some(text) = message.as_text() {
                    each(Received::Text(text));
                } else if message.is_binary() {
                    each(Received::Binary(message.as_payload()));
                } else {
                    return Err(format!("unexpected: {message:?}").into());
                }
            }
            Ok(())
        })
    }
}
