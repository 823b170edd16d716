use clap::Args;

use crate::cli::note;
use crate::command::connection::Rows;

/// How much of a list is shown.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct PageArgs {
    /// How many at the most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50, value_parser = count)]
    limit: u64,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl PageArgs {
    pub(crate) fn most(self) -> u64 {
        if self.all { u64::MAX } else { self.limit }
    }

    /// Says on standard error that there are more than are shown, or none.
    pub(crate) fn tell_of_more(self, rows: &Rows) {
        let shown = rows.rows.len() as u64;
        tell_of_none(rows.total);
        if shown < rows.total {
            note(&format!(
                "note: {shown} of {}; --limit N shows more, --all shows all",
                rows.total
            ));
        }
    }
}

fn count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("it is a whole number, 1 or more".to_owned()),
        Ok(count) => Ok(count),
    }
}

/// Says on standard error that a list is empty: a table would show its head alone.
pub(crate) fn tell_of_none(total: u64) {
    if total == 0 {
        note("note: there are none");
    }
}
