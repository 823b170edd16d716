use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::forecast::series::{Offset, Series};

/// The runs of different series in order of time, each as its second and the place of its series.
///
/// Within a second the places are the order of time, because the series are in that of their fractions of a second.
#[derive(Clone, Debug)]
pub(super) struct Merge {
    series: Vec<Series>,
    /// The next run of each that has one.
    next: BinaryHeap<Reverse<(i64, usize)>>,
}

impl Merge {
    pub(super) fn new(mut series: Vec<Series>) -> Self {
        let next = series
            .iter_mut()
            .enumerate()
            .filter_map(|(place, series)| Some(Reverse((series.next_second()?, place))))
            .collect();
        Self { series, next }
    }

    pub(super) fn offset(&self, place: usize) -> Offset {
        self.series[place].offset
    }
}

impl Iterator for Merge {
    type Item = (i64, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let mut earliest = self.next.peek_mut()?;
        let Reverse((second, place)) = *earliest;
        match self.series[place].next_second() {
            Some(later) => *earliest = Reverse((later, place)),
            None => {
                PeekMut::pop(earliest);
            }
        }
        Some((second, place))
    }
}
