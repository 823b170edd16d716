use std::io::IsTerminal;

use comfy_table::{Cell as Drawn, Color, ColumnConstraint, ContentArrangement, Table as Drawing, presets};

use crate::logging::wants_colours;

/// What a cell tells besides its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Good,
    Doubtful,
    Bad,
    Faint,
}

/// A cell: text of whatever origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

/// In fewer columns, cells would be cut into letters: the terminal breaks the lines instead.
const NARROWEST: u16 = 40;

/// How wide a table may be, and whether it is in colours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canvas {
    /// `None` is as wide as its cells: what is no terminal has no edge.
    width: Option<u16>,
    colours: bool,
}

impl Canvas {
    /// That of standard output.
    pub(crate) fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        let size = stdout.is_terminal().then(columns_of_terminal).flatten();
        let size = size.filter(|width| *width >= NARROWEST);
        Self {
            width: size,
            colours: wants_colours(&stdout),
        }
    }

    /// A table with these columns, whose names are in capitals.
    pub(crate) fn table<const N: usize>(
        self,
        heads: [&str; N],
        rows: impl IntoIterator<Item = [Cell; N]>,
    ) -> String {
        let mut drawing = self.drawing();
        drawing.set_header(heads);
        for row in rows {
            drawing.add_row(row.map(|cell| self.drawn(cell)));
        }
        lines(&mut drawing)
    }

    /// What there is to say of one thing: a line for each field that has a value.
    pub(crate) fn fields<'a>(self, fields: impl IntoIterator<Item = (&'a str, Option<Cell>)>) -> String {
        let mut drawing = self.drawing();
        for (name, cell) in fields {
            if let Some(cell) = cell {
                let name = self.drawn(Cell::toned(name, Tone::Faint));
                drawing.add_row([name, self.drawn(cell)]);
            }
        }
        drawing.discover_columns();
        if let Some(names) = drawing.column_mut(0) {
            names.set_constraint(ColumnConstraint::ContentWidth);
        }
        lines(&mut drawing)
    }

    fn drawing(self) -> Drawing {
        let mut drawing = Drawing::new();
        drawing.load_style(presets::NOTHING);
        match self.width {
            Some(width) => drawing
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width),
            None => drawing.set_content_arrangement(ContentArrangement::Disabled),
        };
        if self.colours {
            drawing.enforce_styling();
        } else {
            drawing.force_no_tty();
        }
        drawing
    }

    fn drawn(self, cell: Cell) -> Drawn {
        let Cell { text, tone } = cell;
        let drawn = Drawn::new(harmless(&text));
        match tone {
            _ if !self.colours => drawn,
            Tone::Plain => drawn,
            Tone::Good => drawn.fg(Color::DarkGreen),
            Tone::Doubtful => drawn.fg(Color::DarkYellow),
            Tone::Bad => drawn.fg(Color::DarkRed),
            Tone::Faint => drawn.fg(Color::DarkGrey),
        }
    }
}

#[cfg(test)]
impl Canvas {
    /// As for a file.
    pub(crate) fn plain() -> Self {
        Self {
            width: None,
            colours: false,
        }
    }
}

/// How many columns the terminal has, by what it says or else by COLUMNS.
fn columns_of_terminal() -> Option<u16> {
    let told = terminal_size::terminal_size().map(|(terminal_size::Width(width), _)| width);
    told.or_else(|| std::env::var("COLUMNS").ok()?.parse().ok())
}

/// Two spaces between the columns, and none at the ends of the lines.
fn lines(drawing: &mut Drawing) -> String {
    drawing.discover_columns();
    for column in drawing.column_iter_mut() {
        column.set_padding((0, 2));
    }
    drawing
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// A name or message that somebody else chose must not steer the terminal. Its lines stay lines.
pub(crate) fn harmless(text: &str) -> String {
    text.replace(
        |character: char| character.is_control() && character != '\n',
        "\u{fffd}",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_width(width: u16) -> Canvas {
        Canvas {
            width: Some(width),
            colours: false,
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_have_no_spaces_at_their_end() {
        let rows = [["a-long-name".into(), "1".into()], ["b".into(), Cell::default()]];
        assert_eq!(
            Canvas::plain().table(["NAME", "RUNS"], rows),
            "NAME         RUNS\na-long-name  1\nb\n"
        );
    }

    #[test]
    fn a_table_is_no_wider_than_the_terminal() {
        let rows = [["short".into(), "a text that is too long for its line".into()]];
        let table = of_width(30).table(["NAME", "TEXT"], rows);
        assert!(table.lines().count() > 2, "{table}");
        assert!(table.lines().all(|line| line.chars().count() <= 30), "{table}");
    }

    #[test]
    fn what_is_absent_has_no_line_and_several_lines_stand_below_each_other() {
        let fields = [
            ("name", Some("x".into())),
            ("pause", None),
            ("why", Some("a\nb".into())),
        ];
        assert_eq!(Canvas::plain().fields(fields), "name  x\nwhy   a\n      b\n");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        let rows = [["\u{1b}[31mred\u{7}".into()]];
        let table = Canvas::plain().table(["NAME"], rows);
        assert!(!table.contains('\u{1b}') && table.contains("red"), "{table:?}");
    }

    #[test]
    fn colours_are_for_those_who_want_them() {
        let rows = || [[Cell::toned("FAILED", Tone::Bad)]];
        let coloured = Canvas {
            width: None,
            colours: true,
        };
        assert!(coloured.table(["STATUS"], rows()).contains('\u{1b}'));
        assert_eq!(Canvas::plain().table(["STATUS"], rows()), "STATUS\nFAILED\n");
    }
}
