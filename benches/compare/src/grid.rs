//! A table of figures, as it is kept in a file and as it is shown.

use std::fmt::Write;

use crate::peers::Failure;

/// One figure, taken several times or once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn single(value: f64) -> Self {
        Self { least: value, median: value, most: value }
    }
}

#[derive(Clone)]
pub(crate) struct Line {
    /// What selects it.
    pub(crate) name: String,
    /// What heads it.
    pub(crate) title: String,
    /// One for each column; nothing where the column does not offer this.
    pub(crate) cells: Vec<Option<Spread>>,
}

#[derive(Clone)]
pub(crate) struct Grid {
    /// The name of the file it is kept in.
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) lines: Vec<Line>,
}

impl Grid {
    pub(crate) fn new(name: &str, columns: Vec<String>) -> Self {
        Self { name: name.to_owned(), columns, lines: Vec::new() }
    }

    pub(crate) fn cell(&self, line: &str, column: &str) -> Option<Spread> {
        let column = self.columns.iter().position(|name| name == column)?;
        self.lines.iter().find(|candidate| candidate.name == line)?.cells.get(column).copied().flatten()
    }

    /// As a table in Markdown, with `digits` after the point, without columns that have nothing in it.
    pub(crate) fn markdown(&self, corner: &str, digits: usize) -> String {
        let shown: Vec<_> = (0..self.columns.len())
            .filter(|column| self.lines.iter().any(|line| line.cells[*column].is_some()))
            .collect();
        let mut text = format!("| {corner} |");
        for column in &shown {
            let _ = write!(text, " {} |", self.columns[*column]);
        }
        text += "\n| --- |";
        text += &" ---: |".repeat(shown.len());
        text += "\n";
        for line in &self.lines {
            let _ = write!(text, "| {} |", line.title);
            for column in &shown {
                match line.cells[*column] {
                    Some(Spread { median, .. }) => {
                        let _ = write!(text, " {} |", number(median, digits));
                    }
                    None => text += " – |",
                }
            }
            text += "\n";
        }
        text
    }

    /// The least, the middle and the largest figure of each cell.
    pub(crate) fn spreads(&self) -> String {
        let mut text = format!("| row | {} |\n| --- |", self.columns.join(" | "));
        text += &" ---: |".repeat(self.columns.len());
        text += "\n";
        for line in &self.lines {
            let _ = write!(text, "| {} |", line.title);
            for cell in &line.cells {
                match cell {
                    Some(Spread { least, median, most }) => {
                        let _ = write!(text, " {least:.2} {median:.2} {most:.2} |");
                    }
                    None => text += " – |",
                }
            }
            text += "\n";
        }
        text
    }

    /// One line for each cell: the row, its title, the column, and three figures.
    pub(crate) fn to_tsv(&self) -> String {
        let mut text = format!("columns\t{}\n", self.columns.join("\t"));
        for line in &self.lines {
            for (column, cell) in self.columns.iter().zip(&line.cells) {
                if let Some(Spread { least, median, most }) = cell {
                    let (name, title) = (&line.name, &line.title);
                    let _ = writeln!(text, "{name}\t{title}\t{column}\t{least}\t{median}\t{most}");
                }
            }
        }
        text
    }

    pub(crate) fn from_tsv(name: &str, text: &str) -> Result<Self, Failure> {
        let wrong = || format!("{name}.tsv is not what was written");
        let mut lines = text.lines();
        let columns = lines.next().and_then(|line| line.strip_prefix("columns\t")).ok_or_else(wrong)?;
        let mut grid = Self::new(name, columns.split('\t').map(str::to_owned).collect());
        for line in lines {
            let fields: Vec<_> = line.split('\t').collect();
            let [row, title, column, least, median, most] = fields[..] else { return Err(wrong().into()) };
            let column = grid.columns.iter().position(|name| name == column).ok_or_else(wrong)?;
            if grid.lines.last().is_none_or(|line| line.name != row) {
                let cells = vec![None; grid.columns.len()];
                grid.lines.push(Line { name: row.to_owned(), title: title.to_owned(), cells });
            }
            let spread = Spread { least: least.parse()?, median: median.parse()?, most: most.parse()? };
            grid.lines.last_mut().ok_or_else(wrong)?.cells[column] = Some(spread);
        }
        Ok(grid)
    }
}

/// With a comma between thousands.
pub(crate) fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, fraction) =
        text.split_once('.').map_or((&text[..], None), |(whole, fraction)| (whole, Some(fraction)));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) && digit.is_ascii_digit() {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{grouped}.{fraction}"),
        None => grouped,
    }
}
