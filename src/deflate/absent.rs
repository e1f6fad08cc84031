//! Without the feature `deflate`: there is no codec, and so nothing to do for one.

use bytes::Bytes;

use super::{Corrupt, Inflated, Pause};
use crate::config::{Config, Role};
use crate::upgrade::DeflateParameters;

#[derive(Debug)]
pub(crate) enum Inflater {}

impl Inflater {
    pub(crate) fn new(_: &Config, agreed: DeflateParameters, _: Role) -> Self {
        match agreed {}
    }

    pub(crate) fn inflate<T>(
        &mut self,
        _: &[u8],
        _: Option<[u8; 4]>,
        _: bool,
        _: u64,
        _: impl FnOnce(&[u8], Pause) -> T,
    ) -> Result<(Inflated, T), Corrupt> {
        match *self {}
    }
}

#[derive(Debug)]
pub(crate) enum Deflater {}

impl Deflater {
    pub(crate) fn new(_: &Config, agreed: DeflateParameters, _: Role) -> Self {
        match agreed {}
    }

    pub(crate) fn compress(&mut self, _: &[u8]) -> Option<Bytes> {
        match *self {}
    }

    pub(crate) fn takes_prepared(&mut self, _: u8) -> bool {
        match *self {}
    }

    pub(crate) fn compress_chunk(&mut self, _: &[u8], _: bool, _: bool) -> Option<Bytes> {
        match *self {}
    }
}
