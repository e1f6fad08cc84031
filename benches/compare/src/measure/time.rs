//! CPU time, as a ratio: in each round every column does a row for a moment, one after the other, so that whatever slows the
//! machine down slows all of them. It is the time that the thread was running: waiting for other processes is not in it.

use std::time::Duration;

use cpu_time::ThreadTime;

use super::median_of;
use crate::{
    grid::{Grid, Line},
    peers::{Failure, NotOffered, Peer},
    work::{Row, Work},
};

/// How long a column works in one round.
const SLICE: Duration = Duration::from_millis(12);

/// How many rounds.
const ROUNDS: usize = 7;

/// What to make of a round for a column.
type Figure<'a> = &'a dyn Fn(&[Option<f64>], usize) -> Option<f64>;

/// Nanoseconds for each column, and then, for each of our columns, its time divided by that of each other column.
pub(crate) fn measure(peers: &[&dyn Peer], rows: &[Row]) -> Result<Vec<Grid>, Failure> {
    let names: Vec<_> = peers.iter().map(|peer| peer.about().name.to_owned()).collect();
    let mut grids = vec![Grid::new("time", names.clone())];
    let ours: Vec<_> = (0..peers.len()).filter(|index| names[*index].starts_with("ours-")).collect();
    for index in &ours {
        grids.push(Grid::new(&names[*index].replace("ours-", "time-"), names.clone()));
    }
    for row in rows {
        eprintln!("time: {}", row.name);
        let rounds = rounds(peers, &*row.prepare())?;
        let mut push = |grid: usize, figure: Figure<'_>| {
            let cell = |column| {
                let figures: Option<Vec<_>> = rounds.iter().map(|round| figure(round, column)).collect();
                figures.map(|figures| median_of(figures.into_iter()))
            };
            let cells = (0..peers.len()).map(cell).collect();
            grids[grid].lines.push(Line { name: row.name.clone(), title: row.title.clone(), cells });
        };
        push(0, &|round, column| round[column]);
        for (grid, index) in ours.iter().enumerate() {
            push(grid + 1, &|round, column| Some(round[*index]? / round[column]?));
        }
    }
    Ok(grids)
}

/// For each round, what one repetition took in each column that offers the work.
fn rounds(peers: &[&dyn Peer], work: &dyn Work) -> Result<Vec<Vec<Option<f64>>>, Failure> {
    let counts = peers.iter().map(|peer| repetitions(*peer, work)).collect::<Result<Vec<_>, _>>()?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut round = Vec::new();
        for (peer, count) in peers.iter().zip(&counts) {
            round.push(match count {
                Some(count) => Some(one(*peer, work, *count)?.as_nanos() as f64 / *count as f64),
                None => None,
            });
        }
        rounds.push(round);
    }
    Ok(rounds)
}

/// How many fill the slice; `None` where the column does not offer the work.
fn repetitions(peer: &dyn Peer, work: &dyn Work) -> Result<Option<usize>, Failure> {
    let mut count = work.multiple();
    loop {
        let took = match one(peer, work, count) {
            Err(failure) if failure.is::<NotOffered>() => return Ok(None),
            took => took?,
        };
        if took > SLICE / 2 {
            let wanted = count as f64 * SLICE.as_secs_f64() / took.as_secs_f64();
            return Ok(Some((wanted as usize).max(1).next_multiple_of(work.multiple())));
        }
        count *= 4;
    }
}

fn one(peer: &dyn Peer, work: &dyn Work, count: usize) -> Result<Duration, Failure> {
    let start = ThreadTime::now();
    work.run(peer, count)?;
    let took = start.elapsed();
    let start = ThreadTime::now();
    work.harness(count);
    Ok(took.saturating_sub(start.elapsed()))
}
