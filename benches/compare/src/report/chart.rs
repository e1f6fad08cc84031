//! chart.svg: for each of a few works, all columns from the best to the worst, on a scale that begins at zero.

use std::fmt::Write;

use crate::grid::{Grid, number};

/// One group of bars.
struct Panel {
    grid: &'static str,
    row: &'static str,
    title: &'static str,
    digits: usize,
}

const fn panel(grid: &'static str, row: &'static str, title: &'static str, digits: usize) -> Panel {
    Panel { grid, row, title, digits }
}

const PANELS: [Panel; 15] = [
    panel("counts", "receive-16-binary-frame", "receive 16 B, one frame a read (instructions)", 0),
    panel("counts", "receive-16-binary-16k", "receive 16 B, 16 KiB reads (instructions)", 0),
    panel("counts", "receive-125-binary-frame", "receive 125 B, one frame a read (instructions)", 0),
    panel("counts", "receive-1k-mixed-frame", "receive 1 KiB of mixed text (instructions)", 0),
    panel("time", "receive-16k-binary-frame", "receive 16 KiB (ns)", 0),
    panel("time", "receive-1m-mixed-frame", "receive 1 MiB of mixed text (ns)", 0),
    panel("counts", "send-server-125-1", "server sends 125 B (instructions)", 0),
    panel("counts", "send-client-125-1", "client sends 125 B (instructions)", 0),
    panel("counts", "echo-125-1", "echo of 125 B in memory (instructions)", 0),
    panel("counts", "broadcast-plain", "1 KiB to 1,000 connections (instructions each)", 0),
    panel("counts", "broadcast-prepared", "the same, framed once for all (instructions each)", 0),
    panel("counts", "handshake-server-browser", "server's handshake with a browser (instructions)", 0),
    panel("counts", "handshake-client", "client's handshake (instructions)", 0),
    panel("loopback-ratio", "loopback-16-64x64", "echo over TCP, 64 × 64 of 16 B (× raw echo's CPU)", 1),
    panel("idle", "idle-resident", "idle tokio connection (resident bytes)", 0),
];

const BAR: usize = 15;
const WIDTH: usize = 520;
const NAME: usize = 165;
const LONGEST: usize = 270;
const GAP: usize = 44;

pub(super) fn draw(grids: &[(String, Grid)]) -> String {
    let mut heights = [GAP; 2];
    let mut body = String::new();
    for Panel { grid, row, title, digits } in PANELS {
        let bars = bars(grids, grid, row);
        if bars.is_empty() {
            continue;
        }
        // Into the column that is shorter so far.
        let column = usize::from(heights[1] < heights[0]);
        let (x, y) = (10 + column * WIDTH, heights[column]);
        heights[column] += GAP + BAR * bars.len();
        let _ = writeln!(body, "<text x=\"{x}\" y=\"{y}\" font-weight=\"bold\">{title}</text>");
        let most = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
        for (index, (name, value)) in bars.iter().enumerate() {
            let top = y + 6 + index * BAR;
            let color = if name.starts_with("ours-") { "#d9480f" } else { "#868e96" };
            let length = (value / most * LONGEST as f64).max(1.0);
            let _ = writeln!(
                body,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>\
                <rect x=\"{}\" y=\"{top}\" width=\"{length:.1}\" height=\"{}\" fill=\"{color}\"/>\
                <text x=\"{:.1}\" y=\"{}\">{}</text>",
                x + NAME - 6,
                top + BAR - 4,
                x + NAME,
                BAR - 3,
                (x + NAME) as f64 + length + 5.0,
                top + BAR - 4,
                number(*value, digits)
            );
        }
    }
    let (width, height) = (2 * WIDTH + 10, heights[0].max(heights[1]));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
        font-family=\"sans-serif\" font-size=\"11\" fill=\"#212529\"><rect width=\"{width}\" height=\"{height}\" \
        fill=\"#ffffff\"/>\n<text x=\"10\" y=\"20\" font-size=\"13\">Shorter is better. Ours in colour; columns as in \
        RESULTS.md, incomplete ones included.</text>\n{body}</svg>\n"
    )
}

/// Name and value of each column, the best first; of columns that differ in one setting or loop, the better one.
fn bars(grids: &[(String, Grid)], grid: &str, row: &str) -> Vec<(String, f64)> {
    let Some((_, grid)) = grids.iter().find(|(_, candidate)| candidate.name == grid) else {
        return Vec::new();
    };
    let mut bars: Vec<_> = grid
        .columns
        .iter()
        .filter_map(|column| Some((column.clone(), grid.cell(row, column)?.median)))
        .collect();
    bars.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut seen = Vec::new();
    bars.retain(|(name, _)| {
        let family = name.split(',').next().unwrap_or(name).trim_end_matches("-4k").to_owned();
        let new = !seen.contains(&family);
        seen.push(family);
        new
    });
    bars
}
