//! What it costs that a received message is owned: no column, but the three ways there are to hand out a piece of a read
//! buffer. Lent, it ends with the next read; split off, it keeps the whole buffer from being used again; copied, neither.

use std::hint::black_box;

use bytes::{Buf, Bytes, BytesMut};

use super::counts::{Job, measure_command};
use crate::{
    grid::{Grid, Line, Spread},
    peers::{Failure, Outcome},
};

/// What one read brings at most.
const BUFFER: usize = 16 * 1024;

/// How often it is done.
const COUNT: usize = 4096;

const SIZES: [usize; 4] = [16, 125, 1024, 16 * 1024];

type Way = fn(&mut BytesMut, usize);

const WAYS: [(&str, Way); 3] = [
    ("lent", |buffer, size| {
        black_box(&buffer[..size]);
        buffer.advance(size);
    }),
    ("split off", |buffer, size| {
        black_box(buffer.split_to(size).freeze());
    }),
    ("copied", |buffer, size| {
        black_box(Bytes::copy_from_slice(&buffer[..size]));
        buffer.advance(size);
    }),
];

/// What is counted.
pub(crate) fn jobs() -> Vec<Job<'static>> {
    let mut jobs = Vec::new();
    for size in SIZES {
        for (name, way) in WAYS {
            jobs.push(Job {
                name: format!("{size} {name}"),
                count: COUNT,
                run: Box::new(move |count| hand_out(way, size, count)),
                harness: Box::new(|_| {}),
            });
        }
    }
    jobs
}

/// Reads, in whole messages of `size` bytes, and hands them out one by one.
fn hand_out(way: Way, size: usize, count: usize) -> Outcome {
    let read = vec![b'.'; BUFFER / size * size];
    let mut buffer = BytesMut::new();
    for _ in 0..count {
        if buffer.is_empty() {
            buffer.reserve(BUFFER);
            buffer.extend_from_slice(&read);
        }
        way(&mut buffer, size);
    }
    Ok(())
}

pub(crate) fn measure() -> Result<Grid, Failure> {
    let counts = measure_command("ownership")?;
    let mut grid = Grid::new("ownership", WAYS.map(|(name, _)| name.to_owned()).into());
    for size in SIZES {
        let cell = |(way, _): (&str, Way)| {
            let count = counts.iter().find(|(name, _)| *name == format!("{size} {way}"));
            count.map(|(_, instructions)| Spread::single(*instructions))
        };
        let cells = WAYS.map(cell).into();
        grid.lines.push(Line { name: format!("ownership-{size}"), title: format!("{size} B"), cells });
    }
    Ok(grid)
}
