//! Lines for standard error, without the heap: a panic may mean that it is full.

use core::fmt::{self, Write};

use crate::sys;

/// Writes one line at once, so that lines of several processes do not mix. What is too long is cut off.
pub(crate) fn report(text: fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; 256], len: 0 };
    let _ = writeln!(line, "{text}");
    sys::report(line.bytes.get(..line.len).unwrap_or_default());
}

struct Line {
    bytes: [u8; 256],
    len: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = self.bytes.get_mut(self.len..).unwrap_or_default();
        let fits = text.len().min(free.len());
        if let (Some(free), Some(text)) = (free.get_mut(..fits), text.as_bytes().get(..fits)) {
            free.copy_from_slice(text);
        }
        self.len += fits;
        if fits == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}
