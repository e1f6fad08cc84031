//! The DEFLATE library alone, which all columns with compression use: no WebSocket at all. A read brings the payload of a message
//! without its header; it is inflated into a buffer that is there, deflated into another, and written. Where no context is
//! kept, both contexts are reset. Its settings are those of websocket-proto.

use ::zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{About, Compression, Failure, Outcome, Peer, Shape};
use crate::transport::{Transport, block_on};

/// Enough for a message of the largest size, compressed or not.
const BUFFER: usize = 64 * 1024;

/// What the payload of a message leaves out at its end (RFC 7692 §7.2.1).
pub(crate) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

pub(crate) struct ZlibRs;

impl Peer for ZlibRs {
    fn about(&self) -> About {
        About { name: "zlib-rs", package: "zlib-rs", shape: Shape::Machine, lacks: Some("all but DEFLATE") }
    }

    fn echo_compressed(&self, mut io: Transport, count: usize, compression: Compression) -> Outcome {
        let [mut input, mut message, mut output] = [(); 3].map(|()| vec![0; BUFFER]);
        let mut inflate = Inflate::new(false, 15);
        let mut deflate = Deflate::new_with_config(DeflateConfig {
            level: compression.level.into(),
            window_bits: -i32::from(compression.window_bits),
            mem_level: 5,
            ..DeflateConfig::default()
        });
        block_on(async {
            for _ in 0..count {
                let read = io.read(&mut input).await?;
                if !compression.takeover {
                    inflate.reset(false);
                    deflate.reset();
                }
                let length = inflate_message(&mut inflate, &input[..read], &mut message)?;
                let before = deflate.total_out();
                let flush = DeflateFlush::SyncFlush;
                deflate
                    .compress(&message[..length], &mut output, flush)
                    .map_err(|error| format!("{error:?}"))?;
                let length = usize::try_from(deflate.total_out() - before)?;
                io.write_all(&output[..length]).await?;
            }
            Ok(())
        })
    }
}

/// How long the message is.
fn inflate_message(inflate: &mut Inflate, payload: &[u8], message: &mut [u8]) -> Result<usize, Failure> {
    let before = inflate.total_out();
    let mut length = 0;
    for part in [payload, &TAIL] {
        inflate
            .decompress(part, &mut message[length..], InflateFlush::SyncFlush)
            .map_err(|error| format!("{error:?}"))?;
        length = usize::try_from(inflate.total_out() - before)?;
    }
    Ok(length)
}
