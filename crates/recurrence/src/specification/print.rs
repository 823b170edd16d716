//! The canonical text: sources, exclusions, bounds and policies, in this order.

use std::fmt;

use crate::daylight::{Gap, Overlap};
use crate::exclusion::Exclusion;
use crate::print;
use crate::source::Source;
use crate::specification::Specification;

impl fmt::Display for Specification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for source in self.sources() {
            f.write_str(separator)?;
            write!(f, "{source}")?;
            separator = "; ";
        }
        // Dates and hours share one part; an expression has commas of its own.
        let mut link = "; except ";
        for exclusion in self.exclusions() {
            match exclusion {
                Exclusion::Cron(_) => write!(f, "; except {exclusion}")?,
                Exclusion::Dates { .. } | Exclusion::Weekly(_) => write!(f, "{link}{exclusion}")?,
            }
            link = ", ";
        }
        if let Some(rest) = &self.rest {
            if let Some(start) = rest.starts_at {
                write!(f, "; starting {start}")?;
            }
            if let Some(end) = rest.ends_at {
                write!(f, "; ending {end}")?;
            }
        }
        if self.daylight.gap != Gap::default() {
            write!(f, "; gap {}", self.daylight.gap)?;
        }
        if self.daylight.overlap != Overlap::default() {
            write!(f, "; overlap {}", self.daylight.overlap)?;
        }
        Ok(())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(pattern) => print::print(pattern, f),
            Self::Interval(interval) => write!(f, "every {interval}"),
            Self::Instants(instants) => {
                f.write_str("at ")?;
                for (place, instant) in instants.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { ", " })?;
                    write!(f, "{instant}")?;
                }
                Ok(())
            }
        }
    }
}
