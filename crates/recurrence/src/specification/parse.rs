//! From a specification's text to its value. Each mistake is told with the bytes that it stands on.

use std::ops::Range;

use crate::date::WrittenDate;
use crate::daylight::{Gap, Overlap};
use crate::exclusion::{self, Exclusion};
use crate::instant::{self, Instant};
use crate::interval::Interval;
use crate::source::Source;
use crate::span::{self, Span};
use crate::specification::Specification;
use crate::specification::builder::{SpecificationBuilder, once};
use crate::specification::error::{Part, Reason, SpecificationError};
use crate::weekly::{self, Weekly};
use crate::zone::Zone;

const PARTS: [(&str, Part); 7] = [
    ("every", Part::Every),
    ("at", Part::At),
    ("except", Part::Except),
    ("starting", Part::Starting),
    ("ending", Part::Ending),
    ("gap", Part::Gap),
    ("overlap", Part::Overlap),
];
const GAPS: &str = "run_after and skip";
/// The length of a date with which an instant begins.
const DATE: usize = 10;
const OVERLAPS: &str = "once_first, once_last and twice";

pub(super) fn parse(text: &str, zone: Zone) -> Result<Specification, SpecificationError> {
    let mut reader = Reader {
        draft: Specification::builder(zone),
        gap: None,
        overlap: None,
    };
    // One part may be empty: the specification as a whole, of which `build` then says that it is.
    if !text.trim().is_empty() {
        for piece in Piece::whole(text).split(';') {
            reader.part(piece)?;
        }
    }
    let mut draft = reader.draft;
    if let Some(gap) = reader.gap {
        draft = draft.gap(gap);
    }
    if let Some(overlap) = reader.overlap {
        draft = draft.overlap(overlap);
    }
    draft.build()
}

struct Reader {
    draft: SpecificationBuilder,
    gap: Option<Gap>,
    overlap: Option<Overlap>,
}

impl Reader {
    fn part(&mut self, piece: Piece<'_>) -> Result<(), SpecificationError> {
        let (word, content) = piece.first_word();
        let known = PARTS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word.text));
        let Some((_, part)) = known else {
            return self
                .draft
                .add_cron(piece.text)
                .map_err(|error| piece.place(error));
        };
        let part = *part;
        let read = match part {
            Part::Every => self.every(content),
            Part::At => content.split(',').try_for_each(|written| {
                let instant = written.instant(Part::At)?;
                self.draft.add_instant(instant)
            }),
            Part::Except => self.except(content),
            Part::Starting => content
                .instant(part)
                .and_then(|instant| self.draft.set_start(instant)),
            Part::Ending => content
                .instant(part)
                .and_then(|instant| self.draft.set_end(instant)),
            Part::Gap => content
                .choice(part, &Gap::ALL, GAPS)
                .and_then(|gap| once(part, self.gap.replace(gap))),
            Part::Overlap => content
                .choice(part, &Overlap::ALL, OVERLAPS)
                .and_then(|overlap| once(part, self.overlap.replace(overlap))),
            Part::Cron | Part::Whole => Ok(()),
        };
        read.map_err(|error| piece.place(error))
    }

    fn every(&mut self, content: Piece<'_>) -> Result<(), SpecificationError> {
        let (length, rest) = content.first_word();
        let every = Span::parse(length.text).ok_or_else(|| length.refused(Part::Every, span::ALLOWED))?;
        let anchor = match rest.first_word() {
            (word, _) if word.text.is_empty() => instant::EPOCH,
            (word, anchor) if word.text.eq_ignore_ascii_case("from") => anchor.instant(Part::Every)?,
            _ => {
                return Err(rest.refused(
                    Part::Every,
                    "from and an instant, as in from 2026-01-01T00:00:00Z",
                ));
            }
        };
        self.draft
            .add_source(Part::Every, Source::Interval(Interval { every, anchor }))
    }

    fn except(&mut self, content: Piece<'_>) -> Result<(), SpecificationError> {
        let (word, expression) = content.first_word();
        if word.text.eq_ignore_ascii_case("cron") {
            let exclusion = Exclusion::cron(expression.text).map_err(|error| expression.place(error))?;
            return self.draft.add_exclusion(exclusion);
        }
        for piece in content.split(',') {
            self.draft.add_exclusion(piece.exclusion()?)?;
        }
        Ok(())
    }
}

/// A stretch of the text without white space at its ends, with its place.
#[derive(Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Piece<'a> {
    fn whole(text: &'a str) -> Self {
        Self { text, start: 0 }.trimmed()
    }

    fn trimmed(self) -> Self {
        let left = self.text.trim_start();
        Self {
            text: left.trim_end(),
            start: self.start + (self.text.len() - left.len()),
        }
    }

    fn split(self, separator: char) -> impl Iterator<Item = Self> {
        let mut start = self.start;
        self.text.split(separator).map(move |text| {
            let piece = Self { text, start };
            start += text.len() + separator.len_utf8();
            piece.trimmed()
        })
    }

    fn first_word(self) -> (Self, Self) {
        let end = self.text.find(char::is_whitespace).unwrap_or(self.text.len());
        let (word, rest) = self.text.split_at(end);
        let rest = Self {
            text: rest,
            start: self.start + end,
        };
        (Self { text: word, ..self }, rest.trimmed())
    }

    fn cut(self, bytes: Range<usize>) -> Self {
        Self {
            text: &self.text[bytes.clone()],
            start: self.start + bytes.start,
        }
        .trimmed()
    }

    fn place(self, error: SpecificationError) -> SpecificationError {
        // The field at fault, if the expression's error names its text and that occurs but once.
        let found = match &error.reason {
            Reason::Cron(error) => error.text().and_then(|wrong| {
                let mut places = self.text.match_indices(wrong);
                let only = places
                    .next()
                    .filter(|_| !wrong.is_empty() && places.next().is_none());
                only.map(|(at, _)| self.start + at..self.start + at + wrong.len())
            }),
            _ => None,
        };
        error.placed(found.unwrap_or(self.range()))
    }

    fn range(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    fn refused(self, part: Part, allowed: &'static str) -> SpecificationError {
        SpecificationError::not_allowed(part, self.text, allowed).placed(self.range())
    }

    fn no_such_date(self, part: Part) -> SpecificationError {
        let text = self.text.to_owned();
        SpecificationError::new(part, Reason::NoSuchDate { text }).placed(self.range())
    }

    fn instant(self, part: Part) -> Result<Instant, SpecificationError> {
        Instant::parse(self.text).ok_or_else(|| match self.text.get(..DATE) {
            Some(date) if WrittenDate::read(date) == Some(WrittenDate::NoSuch) => {
                Self { text: date, ..self }.no_such_date(part)
            }
            _ => self.refused(part, instant::ALLOWED),
        })
    }

    fn choice<T: Copy + ToString>(
        self,
        part: Part,
        all: &[T],
        allowed: &'static str,
    ) -> Result<T, SpecificationError> {
        all.iter()
            .find(|choice| choice.to_string().eq_ignore_ascii_case(self.text))
            .copied()
            .ok_or_else(|| self.refused(part, allowed))
    }

    fn exclusion(self) -> Result<Exclusion, SpecificationError> {
        if self.text.starts_with(|first: char| first.is_ascii_digit()) {
            let (first, last) = match self.text.find("..") {
                None => (self, self),
                Some(dots) => (self.cut(0..dots), self.cut(dots + 2..self.text.len())),
            };
            let date = |piece: Self| match WrittenDate::read(piece.text) {
                Some(WrittenDate::Of(date)) => Ok(date),
                Some(WrittenDate::NoSuch) => Err(piece.no_such_date(Part::Except)),
                None => Err(self.refused(Part::Except, exclusion::ALLOWED)),
            };
            let (first, last) = (date(first)?, date(last)?);
            return Exclusion::dates(first, last).ok_or_else(|| self.refused(Part::Except, exclusion::DATES));
        }
        if self.text.contains(':') {
            return Weekly::parse(self.text)
                .map(Exclusion::Weekly)
                .ok_or_else(|| self.refused(Part::Except, weekly::ALLOWED));
        }
        Err(self.refused(Part::Except, exclusion::ALLOWED))
    }
}
