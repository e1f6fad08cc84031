//! Compression as an option on the command line of an example program.

use clap::Args;
use websocket_proto::Config;

#[derive(Args)]
pub(crate) struct DeflateOptions {
    /// Compress messages, if the peer agrees; needs the feature `deflate`
    #[arg(long)]
    pub(crate) deflate: bool,
    /// Let messages refer to earlier ones, both ways
    #[arg(long, requires = "deflate")]
    context_takeover: bool,
    /// How far back messages refer, both ways: from 8, for 256 bytes, to 15, for 32,768
    #[arg(long, requires = "deflate", default_value_t = 15, value_parser = clap::value_parser!(u8).range(8..=15))]
    window_bits: u8,
}

impl DeflateOptions {
    #[cfg(feature = "deflate")]
    pub(crate) fn apply(&self, config: &mut Config) -> Result<(), &'static str> {
        let mut policy = websocket_proto::Deflate::default();
        policy.context_takeover = self.context_takeover;
        policy.peer_context_takeover = self.context_takeover;
        policy.window_bits = self.window_bits;
        policy.peer_window_bits = self.window_bits;
        config.deflate = self.deflate.then_some(policy);
        Ok(())
    }

    #[cfg(not(feature = "deflate"))]
    pub(crate) fn apply(&self, _: &mut Config) -> Result<(), &'static str> {
        if self.deflate { Err("--deflate needs the feature `deflate`") } else { Ok(()) }
    }
}
