//! What the blocking adapter needs of a transport.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Instant;

use super::CloneIo;

/// A blocking transport whose reads and writes can be bounded in time, as heartbeats and deadlines need it.
///
/// It is implemented for `TcpStream` and, on Unix, `UnixStream`. For a layer of your own, pass the calls on to the socket
/// below. A read, write or flush that runs out of time must fail with [`io::ErrorKind::WouldBlock`] or
/// [`io::ErrorKind::TimedOut`], and have done nothing. Whatever is written is flushed before anybody waits for an answer.
///
/// ```
/// use std::io::{self, Read, Write};
/// use std::net::TcpStream;
/// use std::time::Duration;
/// use websocket_proto::blocking::TimedIo;
///
/// struct Counted { tcp: TcpStream, bytes_read: usize }
///
/// impl Read for Counted {
///     fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
///         let count = self.tcp.read(buf)?;
///         self.bytes_read += count;
///         Ok(count)
///     }
/// }
///
/// impl Write for Counted {
///     fn write(&mut self, buf: &[u8]) -> io::Result<usize> { self.tcp.write(buf) }
///     fn flush(&mut self) -> io::Result<()> { self.tcp.flush() }
/// }
///
/// impl TimedIo for Counted {
///     fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
///         TimedIo::set_read_timeout(&mut self.tcp, timeout)
///     }
///     fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
///         TimedIo::set_write_timeout(&mut self.tcp, timeout)
///     }
///     fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
///         TimedIo::set_nonblocking(&mut self.tcp, nonblocking)
///     }
///     fn shutdown_write(&mut self) -> io::Result<()> { self.tcp.shutdown_write() }
///     fn set_reset_on_drop(&mut self) -> io::Result<()> { self.tcp.set_reset_on_drop() }
/// }
/// ```
pub trait TimedIo: Read + Write {
    /// Bounds each read; `None` waits for ever. A duration of zero is never passed.
    ///
    /// # Errors
    /// Whatever the transport says; the connection then ends as after a failed read.
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()>;

    /// Bounds each write; `None` waits for ever. A duration of zero is never passed.
    ///
    /// # Errors
    /// Whatever the transport says; the connection then ends as after a failed write.
    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()>;

    /// Makes reads and writes return at once, or wait again: for a look at what arrived while there is something to write,
    /// and for the one write that a dropped connection makes.
    ///
    /// # Errors
    /// Whatever the transport says; then that look or write is left out.
    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()>;

    /// Ends the writing side and leaves the reading side open: TCP's FIN, TLS' close_notify.
    ///
    /// # Errors
    /// Whatever the transport says; it is ignored.
    fn shutdown_write(&mut self) -> io::Result<()>;

    /// Makes dropping the transport reset the connection, where there is such a thing.
    ///
    /// # Errors
    /// Whatever the transport says; it is ignored.
    fn set_reset_on_drop(&mut self) -> io::Result<()>;

    /// Sends small writes at once (TCP_NODELAY), where there is such a thing. By default it does nothing.
    ///
    /// # Errors
    /// Whatever the transport says; it is ignored.
    fn set_nodelay(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// What time it is, by the clock that measures the time-outs: the system's, unless this is a simulation with a clock of
    /// its own.
    #[allow(clippy::disallowed_methods, reason = "the adapter's clock; the machine is given its readings")]
    fn now(&self) -> Instant {
        Instant::now()
    }
}

impl CloneIo for TcpStream {
    fn clone_io(&self) -> io::Result<Self> {
        self.try_clone()
    }
}

#[cfg(unix)]
impl CloneIo for UnixStream {
    fn clone_io(&self) -> io::Result<Self> {
        self.try_clone()
    }
}

impl TimedIo for TcpStream {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, timeout)
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_write_timeout(self, timeout)
    }

    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        Self::set_nonblocking(self, nonblocking)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn set_reset_on_drop(&mut self) -> io::Result<()> {
        socket2::SockRef::from(&*self).set_linger(Some(Duration::ZERO))
    }

    fn set_nodelay(&mut self) -> io::Result<()> {
        Self::set_nodelay(self, true)
    }
}

#[cfg(unix)]
impl TimedIo for UnixStream {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, timeout)
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_write_timeout(self, timeout)
    }

    fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        Self::set_nonblocking(self, nonblocking)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn set_reset_on_drop(&mut self) -> io::Result<()> {
        Ok(())
    }
}
