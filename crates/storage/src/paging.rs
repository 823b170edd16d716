use ratchet_interfaces::{Page, PageRequest, RepositoryError, SortOrder};
use sea_orm::sea_query::{Expr, NullOrdering, Order};
use sea_orm::{Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::failure::During;

/// One column to sort by.
pub(crate) type SortKey<C> = (C, SortOrder);

/// The largest offset that a database takes; no list is as long.
const LARGEST_OFFSET: u64 = i64::MAX.unsigned_abs();

/// A page of the rows that match, in the order of the keys, and how many match. What has no value comes last in
/// either direction.
pub(crate) async fn page<E, T>(
    db: &impl ConnectionTrait,
    filter: Condition,
    keys: &[SortKey<E::Column>],
    page: PageRequest,
    during: &'static str,
    read: impl Fn(E::Model) -> Result<T, RepositoryError>,
) -> Result<Page<T>, RepositoryError>
where
    E: EntityTrait,
{
    let select: Select<E> = E::find().filter(filter.clone());
    let select = keys.iter().fold(select, |select, (column, order)| {
        select.order_by_with_nulls(*column, direction(*order), NullOrdering::Last)
    });
    let rows = select
        .offset(page.offset().min(LARGEST_OFFSET))
        .limit(page.limit())
        .all(db)
        .await
        .during(during)?;
    let items: Vec<T> = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    let shown = items.len() as u64;
    // A page that is neither empty nor full ends the list.
    let total = if shown < page.limit() && (shown > 0 || page.offset() == 0) {
        page.offset() + shown
    } else {
        count::<E>(db, filter).await.during(during)?
    };
    Ok(Page { items, total })
}

async fn count<E: EntityTrait>(db: &impl ConnectionTrait, filter: Condition) -> Result<u64, sea_orm::DbErr> {
    let total: Option<i64> = E::find()
        .filter(filter)
        .select_only()
        .expr(Expr::cust("COUNT(*)"))
        .into_tuple()
        .one(db)
        .await?;
    // COUNT always answers, and never with a negative number.
    Ok(total.map_or(0, i64::unsigned_abs))
}

const fn direction(order: SortOrder) -> Order {
    match order {
        SortOrder::Ascending => Order::Asc,
        SortOrder::Descending => Order::Desc,
    }
}
