//! Pages of lists in which rows may be damaged: each such row is told of, and keeps nobody from the others.

use ratchet_interfaces::{Page, PageRequest, RepositoryError, with_causes};
use serde::Serialize;
use utoipa::ToSchema;

/// A row of a list that is damaged.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct UnreadableRow {
    /// Its id, as it is stored.
    #[schema(example = json!(crate::example::JOB_BEFORE))]
    id: String,
    /// What of it cannot be read.
    #[schema(example = "the stored input of job 01935b2e-7c00-7000-8000-000000000003 cannot be read")]
    message: String,
}

/// The rows of a page that can be read, and those that cannot.
pub(crate) struct Readable<T> {
    page: Page<T>,
    unreadable: Vec<UnreadableRow>,
}

impl<T> Readable<T> {
    /// Reads a page.
    pub(crate) async fn read<F, A>(request: PageRequest, list: F) -> Result<Self, RepositoryError>
    where
        F: Fn(PageRequest) -> A,
        A: Future<Output = Result<Page<T>, RepositoryError>>,
    {
        let (page, damaged) = Page::readable(request, list).await?;
        let unreadable = damaged.iter().filter_map(|row| {
            tracing::error!(error = with_causes(row), "a damaged row is left out of a list");
            match row {
                RepositoryError::CorruptRow { id, .. } => Some(UnreadableRow {
                    id: id.clone(),
                    message: row.to_string(),
                }),
                _ => None,
            }
        });
        let unreadable = unreadable.collect();
        Ok(Self { page, unreadable })
    }

    /// How many rows the page has, with the damaged ones.
    pub(crate) fn rows(&self) -> usize {
        self.page.items.len() + self.unreadable.len()
    }

    /// Adds a list that lies behind this one, and of its page so many rows at the most.
    pub(crate) fn append(&mut self, other: Self, most: usize) {
        let Self {
            page: Page { items, total },
            unreadable,
        } = other;
        self.page.items.extend(items.into_iter().take(most));
        self.page.total = self.page.total.saturating_add(total);
        self.unreadable.extend(unreadable.into_iter().take(most));
    }

    pub(crate) fn into_parts(self) -> (Page<T>, Vec<UnreadableRow>) {
        let Self { page, unreadable } = self;
        (page, unreadable)
    }

    /// The rows that can be read.
    pub(crate) fn items(&self) -> &[T] {
        &self.page.items
    }

    /// The same without rows that are in another list by now, which counts them.
    pub(crate) fn without(mut self, is_elsewhere: impl Fn(&T) -> bool) -> Self {
        let before = self.page.items.len();
        self.page.items.retain(|row| !is_elsewhere(row));
        let left_out = before - self.page.items.len();
        self.page.total = self.page.total.saturating_sub(left_out as u64);
        self
    }

    /// The same, each row shown.
    pub(crate) fn map<V>(self, show: impl FnMut(T) -> V) -> Readable<V> {
        let Self {
            page: Page { items, total },
            unreadable,
        } = self;
        let items = items.into_iter().map(show).collect();
        Readable {
            page: Page { items, total },
            unreadable,
        }
    }
}

impl<T> Default for Readable<T> {
    /// A page of an empty list.
    fn default() -> Self {
        let nothing = Page {
            items: Vec::new(),
            total: 0,
        };
        nothing.into()
    }
}

impl<T> From<Page<T>> for Readable<T> {
    fn from(page: Page<T>) -> Self {
        Self {
            page,
            unreadable: Vec::new(),
        }
    }
}
