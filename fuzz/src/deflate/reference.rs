//! DEFLATE by another library.

use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress, create_comp_flags_from_zip_params};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use super::TAIL;

const FLAGS: u32 =
    inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF | inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;

/// Inflates messages, each with what the ones before it left behind.
pub(super) struct Inflater {
    state: Box<DecompressorOxide>,
    /// All that came out so far, as only then it is noticed who refers to what was before that; and room.
    output: Vec<u8>,
    filled: usize,
    /// A block has begun and not ended.
    is_amid: bool,
}

/// Not DEFLATE data.
#[derive(Debug)]
pub(super) struct Corrupt;

impl Inflater {
    pub(super) fn new() -> Self {
        Self { state: Box::default(), output: Vec::new(), filled: 0, is_amid: false }
    }

    /// Inflates the payload of a message, up to `most` bytes.
    pub(super) fn message(&mut self, payload: &[u8], most: usize) -> Result<Vec<u8>, Corrupt> {
        let mut message = Vec::new();
        self.is_amid = false;
        self.feed(payload, most, &mut message)?;
        if message.len() < most && self.is_amid {
            let len = message.len();
            self.feed(&TAIL, most, &mut message)?;
            if message.len() != len || !self.is_between_blocks() {
                return Err(Corrupt);
            }
        }
        message.truncate(most);
        Ok(message)
    }

    /// Whether the last block, empty and without compression, could be next.
    fn is_between_blocks(&self) -> bool {
        const LAST: [u8; 5] = [0x01, 0x00, 0x00, 0xff, 0xff];
        let (mut state, mut output) = (self.state.clone(), self.output.clone());
        output.resize(self.filled + 4096, 0);
        let after = decompress(&mut state, &LAST, &mut output, self.filled, FLAGS);
        !self.is_amid || after == (TINFLStatus::Done, LAST.len(), 0)
    }

    fn feed(&mut self, mut input: &[u8], most: usize, message: &mut Vec<u8>) -> Result<(), Corrupt> {
        while message.len() < most && !(input.is_empty() && !self.is_amid) {
            self.output.resize(self.filled + 4096, 0);
            let (status, used, filled) =
                decompress(&mut self.state, input, &mut self.output, self.filled, FLAGS);
            input = &input[used..];
            message.extend_from_slice(&self.output[self.filled..self.filled + filled]);
            self.filled += filled;
            self.is_amid = true;
            match status {
                // A last block: what follows begins anew.
                TINFLStatus::Done => *self = Self::new(),
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput => break,
                _ => return Err(Corrupt),
            }
        }
        Ok(())
    }
}

/// Deflates messages as a peer would.
pub(super) struct Deflater(Box<CompressorOxide>);

impl Deflater {
    pub(super) fn new(level: u8) -> Self {
        let flags = create_comp_flags_from_zip_params(level.into(), -15, 0);
        Self(Box::new(CompressorOxide::new(flags)))
    }

    /// The payload of a message.
    pub(super) fn message(&mut self, message: &[u8]) -> Vec<u8> {
        let mut payload = vec![0; 2 * message.len() + 1000];
        let (_, used, filled) = compress(&mut self.0, message, &mut payload, TDEFLFlush::Sync);
        assert_eq!(used, message.len());
        payload.truncate(filled);
        assert!(payload.ends_with(&TAIL));
        payload.truncate(filled - TAIL.len());
        payload
    }
}
