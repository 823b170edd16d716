//! What holds for the pages of any list.

use std::fmt::Debug;

use ratchet_interfaces::{Page, PageRequest};

use crate::sample::page;

/// Reads a list in pages of several lengths and from behind its end, and compares it with the rows that it has.
pub(crate) async fn assert_list<T: Clone + Debug + PartialEq>(
    expected: &[T],
    list: impl AsyncFn(PageRequest) -> Page<T>,
) {
    let total = expected.len() as u64;
    for limit in [
        1,
        2,
        3,
        7,
        total.clamp(1, PageRequest::MAX_LIMIT),
        PageRequest::MAX_LIMIT,
    ] {
        // Page by page until one is empty: also where the last one is full.
        for offset in (0..=total).step_by(usize::try_from(limit).unwrap()) {
            let answer = list(page(offset, limit)).await;
            let from = usize::try_from(offset).unwrap();
            let to = usize::try_from(total.min(offset + limit)).unwrap();
            assert_eq!(answer.items, expected[from..to], "{limit} rows from {offset}");
            assert_eq!(answer.total, total, "{limit} rows from {offset}");
        }
    }
    for offset in [total, total + 1, total + 1_000, i64::MAX as u64, u64::MAX] {
        let answer = list(page(offset, 10)).await;
        let nothing = Page {
            items: Vec::new(),
            total,
        };
        assert_eq!(answer, nothing, "from {offset}");
    }
}
