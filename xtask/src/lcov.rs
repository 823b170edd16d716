use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How often each line of each file was run, as `llvm-cov export -format=lcov` tells it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LineCounts {
    files: BTreeMap<PathBuf, BTreeMap<usize, u64>>,
}

/// How many lines there are to reach, and how many were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) lines: usize,
    pub(crate) reached: usize,
}

impl LineCounts {
    /// Reads the `SF` (file) and `DA` (line and count) records; the others are not about lines. `None` where a record
    /// is not of that form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut counts = Self::default();
        let mut file = None;
        for record in text.lines() {
            if let Some(path) = record.strip_prefix("SF:") {
                file = Some(counts.files.entry(PathBuf::from(path)).or_default());
            } else if let Some(data) = record.strip_prefix("DA:") {
                let (line, count) = data.split_once(',')?;
                file.as_mut()?.insert(line.parse().ok()?, count.parse().ok()?);
            }
        }
        Some(counts)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// The tally of one file, its unit tests not counted.
    pub(crate) fn tally(&self, file: &Path, source: &str) -> Tally {
        let end = first_line_of_unit_tests(source);
        let lines = self.files.get(file).into_iter().flatten();
        lines.filter(|(line, _)| end.is_none_or(|end| **line < end)).fold(
            Tally::default(),
            |tally, (_, count)| Tally {
                lines: tally.lines + 1,
                reached: tally.reached + usize::from(*count > 0),
            },
        )
    }
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.reached += other.reached;
    }

    /// Reached lines in a hundred; where there is nothing to reach, all of it is.
    #[expect(clippy::cast_precision_loss, reason = "no workspace has 2^52 lines")]
    pub(crate) fn percent(self) -> f64 {
        if self.lines == 0 {
            100.0
        } else {
            100.0 * self.reached as f64 / self.lines as f64
        }
    }
}

/// House style puts the unit tests last in their file, in a module of their own.
fn first_line_of_unit_tests(source: &str) -> Option<usize> {
    let lines: Vec<&str> = source.lines().collect();
    let attribute = lines.windows(2).position(|pair| {
        pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    })?;
    Some(attribute + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_tallied_up_to_the_unit_tests() {
        let report =
            "SF:/w/a.rs\nFN:1,f\nDA:1,4\nDA:2,0\nDA:5,9\nend_of_record\nSF:/w/b.rs\nDA:1,0\nend_of_record\n";
        let source = "fn f() {\n}\n\n#[cfg(test)]\nmod tests {\n}\n";
        let counts = LineCounts::parse(report).unwrap();
        assert_eq!(
            counts.tally(Path::new("/w/a.rs"), source),
            Tally { lines: 2, reached: 1 }
        );
        assert_eq!(
            counts.tally(Path::new("/w/b.rs"), ""),
            Tally { lines: 1, reached: 0 }
        );
        assert_eq!(counts.files().count(), 2);
    }

    #[test]
    fn a_broken_report_is_refused() {
        assert_eq!(LineCounts::parse("DA:1,1"), None);
        assert_eq!(LineCounts::parse("SF:/w/a.rs\nDA:one,1"), None);
    }

    #[test]
    fn a_test_module_in_another_file_hides_nothing_of_this_one() {
        assert_eq!(
            first_line_of_unit_tests("#[cfg(test)]\nmod tests;\nfn f() {}\n"),
            None
        );
    }
}
