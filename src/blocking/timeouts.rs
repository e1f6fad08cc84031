//! The time-outs of the transport, with as few system calls as will do.

use core::time::Duration;
use std::io;

use super::TimedIo;

/// The time-outs that were set last.
#[derive(Debug, Default)]
pub(super) struct Timeouts {
    read: Option<Option<Duration>>,
    write: Option<Duration>,
}

impl Timeouts {
    /// No transport waits more exactly, and zero would mean for ever, or nothing.
    const SHORTEST: Duration = Duration::from_micros(1);

    /// Bounds the next read by `longest`. To wake up early does no harm, so a shorter time-out that is already set will do
    /// if it is at least half as long.
    pub(super) fn for_read(&mut self, io: &mut impl TimedIo, longest: Option<Duration>) -> io::Result<()> {
        let fits = match (self.read, longest) {
            (Some(Some(set)), Some(longest)) => set <= longest && set >= longest / 2,
            (Some(None), None) => true,
            _ => false,
        };
        if !fits {
            // A little less than allowed, lest it be too long for the next read already.
            let wanted = longest.map(|longest| longest.saturating_sub(longest / 16).max(Self::SHORTEST));
            self.read = None;
            io.set_read_timeout(wanted)?;
            self.read = Some(wanted);
        }
        Ok(())
    }

    pub(super) fn for_write(&mut self, io: &mut impl TimedIo, wanted: Duration) -> io::Result<()> {
        if self.write != Some(wanted) {
            self.write = None;
            io.set_write_timeout(Some(wanted))?;
            self.write = Some(wanted);
        }
        Ok(())
    }
}
