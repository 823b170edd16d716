//! Rows for people: in columns as wide as their widest cell.

use std::fmt::Write;

/// The rows below their heads. A cell is a line: what would break it is shown as what it is.
pub(super) fn columns<const N: usize>(
    heads: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let rows: Vec<[String; N]> = std::iter::once(heads.map(str::to_owned))
        .chain(rows.into_iter().map(|row| row.map(|cell| in_a_line(&cell))))
        .collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let width = |row: &[String; N]| row[column].chars().count();
        rows.iter().map(width).max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}

fn in_a_line(cell: &str) -> String {
    cell.replace(|character: char| character.is_control(), "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_rows_stay_in_their_line() {
        let rows = [["1", "a\u{1b}[31m\nb"], ["2000", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(
            columns(["ID", "NAME"], rows),
            "ID    NAME\n1     a\u{fffd}[31m\u{fffd}b\n2000\n"
        );
    }
}
