//! One direction of a network: it carries bytes in order or loses the rest of them, and never alters any.

use bytes::BytesMut;

#[derive(Default)]
pub(super) struct Pipe {
    on_the_way: BytesMut,
    /// Bytes that were ever given to it, and that ever came out.
    entered: u64,
    carried: u64,
    /// Nothing comes out any more: its end was told, or it broke.
    over: bool,
    /// It lost something.
    leaked: bool,
}

impl Pipe {
    pub(super) fn enter(&mut self, bytes: &[u8]) {
        self.entered += bytes.len() as u64;
        if self.over {
            self.leaked |= !bytes.is_empty();
        } else {
            self.on_the_way.extend_from_slice(bytes);
        }
    }

    /// The next bytes to come out.
    pub(super) fn carry(&mut self, count: usize) -> BytesMut {
        let carried = self.on_the_way.split_to(count.min(self.on_the_way.len()));
        self.carried += carried.len() as u64;
        carried
    }

    /// It ends, with what is still on its way lost. Whether it had not ended before.
    pub(super) fn end(&mut self) -> bool {
        self.leaked |= !self.on_the_way.is_empty();
        self.on_the_way.clear();
        !std::mem::replace(&mut self.over, true)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.on_the_way.is_empty()
    }

    pub(super) fn entered(&self) -> u64 {
        self.entered
    }

    pub(super) fn carried(&self) -> u64 {
        self.carried
    }

    pub(super) fn has_leaked(&self) -> bool {
        self.leaked
    }
}
