use crate::RepositoryError;

/// Which rows of a list are wanted.
///
/// ```
/// use ratchet_interfaces::PageRequest;
/// assert!(PageRequest::new(50, 25).is_ok());
/// assert!(PageRequest::new(0, 0).is_err());
/// assert!(PageRequest::new(0, 101).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    offset: u64,
    limit: u64,
}

impl PageRequest {
    /// The most rows of one page.
    pub const MAX_LIMIT: u64 = 100;

    /// `limit` rows after the first `offset`.
    ///
    /// # Errors
    /// [`RepositoryError::InvalidPage`] when `limit` is not within 1 to [`PageRequest::MAX_LIMIT`].
    pub const fn new(offset: u64, limit: u64) -> Result<Self, RepositoryError> {
        if limit == 0 || limit > Self::MAX_LIMIT {
            return Err(RepositoryError::InvalidPage {
                limit,
                max: Self::MAX_LIMIT,
            });
        }
        Ok(Self { offset, limit })
    }

    /// How many rows come before the page.
    #[must_use]
    pub const fn offset(self) -> u64 {
        self.offset
    }

    /// How many rows the page has at the most.
    #[must_use]
    pub const fn limit(self) -> u64 {
        self.limit
    }
}

impl Default for PageRequest {
    /// The first 25 rows.
    fn default() -> Self {
        Self { offset: 0, limit: 25 }
    }
}

/// Some rows of a list, and how many the whole list has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// How many rows match the filter, on all pages together.
    pub total: u64,
}

impl<T> Page<T> {
    /// A page of which damaged rows are left out, and what is wrong with each of these: one row by itself is read after the
    /// other where the page as a whole cannot be read. `total` counts the damaged ones too.
    ///
    /// # Errors
    /// As `list`, but for [`RepositoryError::CorruptRow`].
    pub async fn readable<F, A>(
        request: PageRequest,
        list: F,
    ) -> Result<(Self, Vec<RepositoryError>), RepositoryError>
    where
        F: Fn(PageRequest) -> A,
        A: Future<Output = Result<Self, RepositoryError>>,
    {
        match list(request).await {
            Err(RepositoryError::CorruptRow { .. }) => {}
            page => return page.map(|page| (page, Vec::new())),
        }
        let (mut items, mut damaged, mut total) = (Vec::new(), Vec::new(), None);
        for place in 0..request.limit {
            let row = PageRequest {
                offset: request.offset.saturating_add(place),
                limit: 1,
            };
            match list(row).await {
                Ok(page) => {
                    total = Some(page.total);
                    if page.items.is_empty() {
                        break;
                    }
                    items.extend(page.items);
                }
                Err(corrupt @ RepositoryError::CorruptRow { .. }) => damaged.push(corrupt),
                Err(failure) => return Err(failure),
            }
        }
        let total = match total {
            Some(total) => total,
            // Behind the last row there is none that could be damaged.
            None => {
                let behind = PageRequest {
                    offset: u64::MAX,
                    limit: 1,
                };
                list(behind).await?.total
            }
        };
        Ok((Self { items, total }, damaged))
    }
}

/// The direction of a sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of ten rows, of which these are damaged.
    async fn listed(damaged: &[u64], request: PageRequest) -> Result<Page<u64>, RepositoryError> {
        let rows: Vec<u64> = (0..10)
            .skip(usize::try_from(request.offset()).unwrap())
            .take(usize::try_from(request.limit()).unwrap())
            .collect();
        match rows.iter().find(|row| damaged.contains(row)) {
            Some(row) => Err(RepositoryError::CorruptRow {
                what: "task",
                id: row.to_string(),
                column: "tags",
                source: "trailing characters".into(),
            }),
            None => Ok(Page {
                items: rows,
                total: 10,
            }),
        }
    }

    #[tokio::test]
    async fn damaged_rows_are_left_out_of_a_page_and_told() {
        for (damaged, offset, limit, expected) in [
            (vec![], 2, 3, vec![2, 3, 4]),
            (vec![3], 2, 3, vec![2, 4]),
            (vec![9, 7], 7, 25, vec![8]),
            (vec![4, 5, 6], 4, 3, vec![]),
        ] {
            let request = PageRequest::new(offset, limit).unwrap();
            let read = Page::readable(request, |request| listed(&damaged, request)).await;
            let (page, told) = read.unwrap();
            assert_eq!((page.items, page.total), (expected, 10), "{damaged:?}");
            assert_eq!(told.len(), damaged.len());
        }
    }

    #[tokio::test]
    async fn what_is_no_rows_fault_is_the_lists() {
        let request = PageRequest::default();
        let list = async |_| {
            Err::<Page<u64>, _>(RepositoryError::Unavailable {
                during: "listing",
                source: "away".into(),
            })
        };
        let error = Page::readable(request, list).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
    }
}
