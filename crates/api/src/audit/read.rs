use crate::audit::TAG;
use crate::audit::list::AuditEntries;
use crate::audit::view::AuditEntryView;
use crate::envelope::Many;
use crate::error::{ApiError, ErrorEnvelope};
use crate::list::ListQuery;
use crate::readable::Readable;
use crate::state::Services;

/// A page of the audit log.
#[utoipa::path(
    get,
    path = "/audit",
    tag = TAG,
    operation_id = "audit_list",
    security(("bearer" = ["admin"])),
    params(ListQuery<AuditEntries>),
    responses(
        (status = 200, body = Many<AuditEntryView>),
        (status = 400, body = ErrorEnvelope, description = "A parameter is unknown or not allowed"),
    )
)]
pub(super) async fn list(
    services: Services,
    query: ListQuery<AuditEntries>,
) -> Result<Many<AuditEntryView>, ApiError> {
    let audit = services.repositories.audit();
    let list = |request| audit.audit_list(&query.filter, request);
    let page = Readable::read(query.page, list).await?.map(Into::into);
    Ok(Many::new("audit", page, query.page, services.clock.now()))
}
