//! A server in a process of its own, and what can be learned of it from outside.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::peers::{Answering, Failure, Peer};

pub(super) struct Server {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    pub(super) port: u16,
}

/// What the server says of itself.
pub(super) struct Account {
    pub(super) heap_bytes: f64,
    pub(super) heap_blocks: f64,
    /// How many bytes the future of a connection has.
    pub(super) future: f64,
}

/// Which program: this one, or the one with an allocator that counts.
pub(super) fn program(counts_heap: bool) -> Result<PathBuf, Failure> {
    let this = std::env::current_exe()?;
    if !counts_heap {
        return Ok(this);
    }
    let that = this.with_file_name("compare-heap");
    if that.exists() { Ok(that) } else { Err(format!("{} is not built", that.display()).into()) }
}

impl Server {
    pub(super) fn start(peer: &dyn Peer, answering: Answering, counts_heap: bool) -> Result<Self, Failure> {
        let mut command = Command::new(program(counts_heap)?);
        command.args(["serve", "--peer", peer.about().name]);
        if answering == Answering::Batched {
            command.arg("--batched");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut server = Self { child, input, output, port: 0 };
        server.port = server.line()?.parse()?;
        Ok(server)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    pub(super) fn account(&mut self) -> Result<Account, Failure> {
        self.input.as_mut().ok_or("no input")?.write_all(b"\n")?;
        let line = self.line()?;
        let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        match numbers[..] {
            [heap_bytes, heap_blocks, future] => Ok(Account { heap_bytes, heap_blocks, future }),
            _ => Err(format!("the server says {line:?}").into()),
        }
    }

    /// The CPU time that its threads have had, in nanoseconds.
    pub(super) fn cpu_time(&self) -> Result<f64, Failure> {
        let mut total = 0.0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let schedstat = fs::read_to_string(thread?.path().join("schedstat"))?;
            total += schedstat.split(' ').next().unwrap_or_default().parse::<f64>()?;
        }
        Ok(total)
    }

    /// Its resident memory in bytes.
    pub(super) fn resident(&self) -> Result<f64, Failure> {
        let statm = fs::read_to_string(format!("/proc/{}/statm", self.child.id()))?;
        let pages: f64 = statm.split(' ').nth(1).ok_or("no statm")?.parse()?;
        Ok(pages * 4096.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
