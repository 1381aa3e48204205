//! The table of results

use crate::client::Kind;

/// The result of one client
#[derive(Debug)]
pub struct Cell {
    pub text: String,
    /// Whether the result is right
    pub right: bool,
}

impl Cell {
    pub fn new(right: bool, text: impl Into<String>) -> Self {
        Self { text: text.into(), right }
    }
}

#[derive(Debug)]
pub struct Row {
    pub what: String,
    pub cells: Vec<Cell>,
}

/// Runs the same operations with each client
pub async fn row(what: impl Into<String>, ask: impl AsyncFn(Kind) -> Cell) -> Row {
    let (what, mut cells) = (what.into(), Vec::new());
    for kind in Kind::ALL {
        cells.push(ask(kind).await);
    }
    eprintln!("{what}: {cells:?}");
    Row { what, cells }
}

/// Shortens the text of an error for a cell
pub fn short(text: &str) -> String {
    let line: String =
        text.chars().map(|c| if c.is_control() || c == '|' { ' ' } else { c }).collect();
    let words: Vec<&str> = line.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= 150 {
        return line;
    }
    line.chars().take(149).chain(['…']).collect()
}

pub fn print(rows: &[Row]) {
    println!("| | `ftp-object-store` | `object_store_opendal` 0.58.0 | OpenDAL 0.59.5 |");
    println!("|---|---|---|---|");
    for Row { what, cells } in rows {
        let cells: Vec<_> = cells
            .iter()
            .map(|cell| if cell.right { cell.text.clone() } else { format!("**{}**", cell.text) })
            .collect();
        println!("| {what} | {} |", cells.join(" | "));
    }
    for (at, kind) in Kind::ALL.iter().enumerate() {
        let right = rows.iter().filter(|row| row.cells[at].right).count();
        println!("{kind:?}: {right} of {} as they should be", rows.len());
    }
}
