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

/// The direction of a sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}
