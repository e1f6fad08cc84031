//! The process that the works with real sockets measure: an echo server of one column, on one thread.
//!
//! It prints its port, and then, for each line that it reads, what is on the heap and how large the future of a connection
//! is. It ends with its input.

use std::{
    io::{BufRead, Write, stdin, stdout},
    net::Ipv4Addr,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::{net::TcpListener, runtime::Builder};

use crate::{
    Heap,
    peers::{Answering, Failure, Outcome, Peer},
};

/// The bytes of the future of the last connection.
static FUTURE: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn run(peer: &'static dyn Peer, answering: Answering, heap: Option<fn() -> Heap>) -> Outcome {
    std::thread::spawn(move || answer_questions(heap));
    Builder::new_current_thread().enable_all().build()?.block_on(serve(peer, answering))
}

async fn serve(peer: &dyn Peer, answering: Answering) -> Result<(), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (io, _) = listener.accept().await?;
        io.set_nodelay(true)?;
        FUTURE.store(peer.serve(io, answering)?, Ordering::Relaxed);
    }
}

fn answer_questions(heap: Option<fn() -> Heap>) {
    for _ in stdin().lock().lines() {
        let Heap { bytes, blocks, .. } = heap.map_or(Heap::default(), |heap| heap());
        println!("{bytes} {blocks} {}", FUTURE.load(Ordering::Relaxed));
        let _ = stdout().flush();
    }
    std::process::exit(0);
}
