//! Without the feature `deflate`: there is no policy, so nothing is offered and nothing agreed to.

use alloc::string::String;
use core::fmt;

use super::HandshakeError;
use crate::config::Deflate;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeflateParameters {}

impl fmt::Display for DeflateParameters {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Deflate {
    pub(crate) fn offer(&self) -> String {
        match *self {}
    }

    pub(crate) fn answer<'a>(&self, _: impl IntoIterator<Item = &'a [u8]>) -> Option<DeflateParameters> {
        match *self {}
    }

    pub(crate) fn agree<'a>(
        &self,
        _: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<DeflateParameters>, HandshakeError> {
        match *self {}
    }
}
